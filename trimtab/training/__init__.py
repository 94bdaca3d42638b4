"""Training and scoring: what the files of a project use in the training and in the serving container.

Neither pandera nor pydantic nor any network is there. Nothing is imported here, so that serving does not
pay for what only training needs: `train.py` uses `trimtab.training.run`, `inference.py` uses
`trimtab.training.scoring`.
"""
