"""The training loop: batches, augmentation, losses, distillation, checkpoints."""
