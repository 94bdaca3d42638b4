"""Late labels: files of prediction id, label and event time, joined with the captured predictions."""
