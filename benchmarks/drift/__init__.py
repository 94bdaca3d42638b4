"""What drift costs beside decoding and beside the peers."""
