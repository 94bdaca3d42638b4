"""A year in production, played on the laptop: flights that left New York in 2013."""
