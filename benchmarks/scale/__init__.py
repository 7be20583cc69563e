"""What a catalogue of any size costs, by arithmetic."""
