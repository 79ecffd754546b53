"""Files on a disk: durable writes, reads that do not block, and the type of a file system."""
