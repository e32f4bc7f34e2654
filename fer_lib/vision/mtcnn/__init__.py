"""Face detection with MTCNN (Zhang et al., "Joint Face Detection and Alignment Using Multitask CNNs", 2016)."""
