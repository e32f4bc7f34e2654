"""What a hostile or unlucky world does to the application, tried on purpose."""
