"""Each command of the page on dataset versions does what the page says, in the page's order."""

import re
import shlex
from pathlib import Path

from tests.unit.versions_world import World, rows
from trimtab.cli.commands import app


def commands(root: Path) -> list[list[str]]:
    """Return the arguments of the page's commands."""
    blocks = re.findall(r"```sh\n(.*?)```", (root / "docs/data.md").read_text(), re.DOTALL)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert all(line[0] == ".venv/bin/trimtab" for line in lines)
    return [line[1:] for line in lines]


def test_every_command_of_the_page_runs(world: World, root: Path) -> None:
    folder = world.checkout / "pipelines"
    (folder / "flights").mkdir()
    for name in ("contract.py", "project.toml"):
        text = (folder / "shop" / name).read_text().replace('name = "shop"', 'name = "flights"')
        (folder / "flights" / name).write_text(text)
    golden = world.commit("january.csv", rows(40), project="flights")
    corrected = world.commit("january.csv", rows(50, weight=3.0), project="flights")
    world.model(1, [golden], "champion", project="flights")
    world.ask("data", "tag", golden, "golden")
    world.ask("data", "tag", corrected, "corrected")
    world.cloud.s3.create_bucket(Bucket="lake")
    versioning = {"Status": "Enabled"}
    world.cloud.s3.put_bucket_versioning(Bucket="lake", VersioningConfiguration=versioning)
    for number in (1, 2):
        world.cloud.s3.put_object(Bucket="lake", Key=f"months/{number}.csv", Body=b"a\n%d\n" % number)
    ran = set()
    for arguments in commands(root):
        code, out, err = world.run(*arguments)
        assert code == (1 if arguments[1] == "diff" else 0), (arguments, out, err)
        assert out.strip()
        ran.add(tuple(arguments[:2]))
    offered = {("data", command.name or command.callback.__name__) for command in _group("data")}
    offered |= {("lineage", command.name or command.callback.__name__) for command in _group("lineage")}
    assert ran == offered
    assert (world.checkout / "january/data/january.csv/00000.parquet").is_file()
    assert world.data.get_json("grids/flights.json")
    assert len(list(world.table.query("ERASED#flights"))) == 2


def _group(name: str):
    groups = {one.name: one.typer_instance for one in app.registered_groups}
    group = groups[name]
    assert group is not None
    return group.registered_commands
