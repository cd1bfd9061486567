"""What TensorFlow 1 reads files with: queues, readers, batches. They need no threads."""
