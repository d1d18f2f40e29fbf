"""Wire format and plain values: pure functions over texts and bytes."""
