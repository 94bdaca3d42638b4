"""Model versions: what they are trained on, how they are judged, recorded, deployed and taken back."""
