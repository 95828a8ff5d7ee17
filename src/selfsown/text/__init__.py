"""Rules about text, one file each: whoever reads, filters, checks or scores a text asks the same rule."""
