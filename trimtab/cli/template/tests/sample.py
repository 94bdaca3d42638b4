"""Make sample data: `python sample.py > offers.csv` writes a file that can be uploaded."""

import sys

import numpy as np
import pandas as pd


def sample(days=70, rows_a_day=40, seed=0):
    """Return offers whose acceptance depends on amount and channel."""
    random = np.random.default_rng(seed)
    rows = days * rows_a_day
    minutes = np.sort(random.integers(0, days * 24 * 60, rows))
    amount = random.gamma(2.0, 50.0, rows).round(2)
    channel = random.choice(["mail", "phone", "web"], rows)
    logit = 1.0 - amount / 60 + np.select([channel == "web", channel == "phone"], [1.0, 0.3], 0.0)
    offers = pd.DataFrame(
        {
            "prediction_id": [f"offer-{number}" for number in range(rows)],
            "offered_at": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(minutes, unit="min"),
            "amount": amount,
            "age_days": random.integers(0, 3000, rows).astype(float),
            "channel": channel,
            "accepted": (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(float),
        }
    )
    offers.loc[random.random(rows) < 0.05, "amount"] = np.nan
    return offers


if __name__ == "__main__":
    sample().to_csv(sys.stdout, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
