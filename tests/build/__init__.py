"""What is deployed: the template, the layers, the built functions, the samples."""
