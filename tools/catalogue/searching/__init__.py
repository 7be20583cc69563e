"""Looking for items in the index of a catalogue."""
