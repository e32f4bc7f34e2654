"""JupyterHub on one computer: each user logs in, receives a server, and the live page opens.

    npm install -g configurable-http-proxy
    pip install -c constraints.txt . jupyterhub jupyterhub-idle-culler
    TRIAL_PASSWORD=... jupyterhub -f deploy/jupyterhub_config.py      # http://localhost:8000, only from this computer

This configuration is for a trial: one password for all user names, and all servers run as the user who starts the hub.
For a course, configure another authenticator and spawner: docs/many-visitors.md.
"""

import os
import secrets
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PAGE = "/voila/render/notebooks/04_live.ipynb"
SESSION_S = 3600

c = get_config()  # noqa: F821 defined by JupyterHub

c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.active_server_limit = 12  # two cores serve that many; further users get an error page

# For a trial only.
c.JupyterHub.authenticator_class = "dummy"
# Without a password the hub would accept any password, also from a web site that uses DNS rebinding.
password = os.environ.get("TRIAL_PASSWORD") or secrets.token_urlsafe(12)
if not os.environ.get("TRIAL_PASSWORD"):
    print(f"`TRIAL_PASSWORD` is not set; the password of this run is {password}", file=sys.stderr)
c.DummyAuthenticator.password = password
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "/tmp/fer-hub/{username}"  # noqa: S108

c.Spawner.notebook_dir = str(PROJECT)
c.Spawner.default_url = PAGE
c.Spawner.http_timeout = 120  # seconds; on a busy computer a server starts slowly
c.Spawner.environment = {
    # Kernel connection with TCP_NODELAY, voila.json, and no echo of widget updates (frames).
    "JUPYTER_CONFIG_PATH": f"{PROJECT / 'binder'}{os.pathsep}{PROJECT}",
    "JUPYTER_WIDGETS_ECHO": "0",
}

# Cull servers that were idle for ten minutes or ran for an hour.
c.JupyterHub.load_roles = [
    {
        "name": "cull",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["cull"],
    }
]
c.JupyterHub.services = [
    {
        "name": "cull",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=600", f"--max-age={SESSION_S}"],
    }
]
