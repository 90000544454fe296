"""What is known about the bases of a genome: features, region classes, scores."""
