"""Lineage both ways on the command line."""

from tests.unit.versions_world import BUCKET, World, rows


def nodes(tree) -> list[str]:
    return [tree["node"], *(node for child in tree["children"] for node in nodes(child))]


def test_a_model_leads_down_to_objects_and_uploads(world: World) -> None:
    one, two = world.commit("january.csv", rows(20)), world.commit("february.csv", rows(20, 100))
    world.model(3, [one, two], "champion")
    tree = world.ask("lineage", "model", "shop@3")
    assert tree["node"] == "model:shop@3"
    [training_set] = tree["children"]
    assert sorted(child["node"] for child in training_set["children"]) == sorted(
        [f"dataset:{one}", f"dataset:{two}"]
    )
    found = nodes(tree)
    [key] = [file["object"] for file in world.ask("data", "show", one)["files"]]
    assert f"object:{key}" in found
    assert len([node for node in found if node.startswith("upload:landing/shop/data/january.csv@")]) == 1


def test_data_leads_up_to_training_sets_models_and_endpoints(world: World) -> None:
    version = world.commit("january.csv", rows(20))
    world.model(1, [version], "retired")
    world.model(2, [version], "champion")
    plan = {"datasets": [version], "training_set": "e" * 64}
    world.table.put({"pk": "RUN#shop", "sk": "job#2013-02-02T00:00:00Z#shop-0123", "plan": plan})
    found = nodes(world.ask("lineage", "data", version[:8]))
    assert {"model:shop@1", "model:shop@2", "endpoint:trimtab-dev-shop"} <= set(found)
    assert f"training-set:{'e' * 64}" in found


def test_lineage_is_drawn_as_a_tree_and_as_mermaid(world: World) -> None:
    version = world.commit("january.csv", *(rows(2, 2 * part) for part in range(12)))
    world.model(1, [version], "champion")
    code, shown, _ = world.run("lineage", "model", "shop@1")
    assert code == 0
    assert f"dataset {version[:12]}" in shown
    assert "and 2 more objects" in shown
    code, shown, _ = world.run("lineage", "data", version, "--mermaid")
    lines = shown.splitlines()
    assert lines[0] == "flowchart LR"
    numbers = {line.split("[")[1]: line.split("[")[0].strip() for line in lines if "[" in line}
    data, chart = numbers[f'"dataset {version[:12]}"]'], numbers['"endpoint trimtab-dev-shop"]']
    assert any(line.strip().startswith(f"{data} --> ") for line in lines)
    assert any(line.endswith(f"--> {chart}") for line in lines)
    code, shown, _ = world.run("lineage", "model", "shop@1", "--mermaid")
    assert shown.count(f"object s3://{BUCKET}/objects/") == 12


def test_models_that_do_not_exist_are_refused(world: World) -> None:
    assert "write PROJECT@VERSION" in world.refused("lineage", "model", "shop")
    assert "has no model 9" in world.refused("lineage", "model", "shop@9")
    assert "no project 'trains'" in world.refused("lineage", "model", "trains@1")
