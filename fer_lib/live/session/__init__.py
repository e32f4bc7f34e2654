"""Protocol and state of one visitor, without widgets and web server."""
