"""Lambda on the laptop: real handlers from the packaged zip, in processes that see only what Lambda would."""
