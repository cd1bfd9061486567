"""What TensorFlow 1 reads files with: queues, readers, batches. No thread of varscope's runs for them."""
