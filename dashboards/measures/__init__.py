"""What the cockpit counts: facts, the measures over them and the dimensions they are told by."""
