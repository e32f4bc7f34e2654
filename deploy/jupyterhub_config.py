"""A hub on one computer: everybody logs in, gets a server of their own, and the live page opens.

    npm install -g configurable-http-proxy
    pip install -c constraints.txt . jupyterhub jupyterhub-idle-culler
    TRIAL_PASSWORD=... jupyterhub -f deploy/jupyterhub_config.py      # http://localhost:8000, only from this computer

As it stands it is for a trial: one password for all names, and all servers run as the user who starts it. For a
course take another authenticator and spawner; docs/many-visitors.md says more.
"""

import os
import secrets
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PAGE = "/voila/render/notebooks/04_live.ipynb"
SESSION_S = 3600

c = get_config()  # noqa: F821 the hub puts it here

c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.active_server_limit = 12  # what two cores serve; the next one reads that there is no room

# For a trial only.
c.JupyterHub.authenticator_class = "dummy"
# Without a password the hub would accept any, also from a web site whose name leads to this computer (DNS rebinding).
password = os.environ.get("TRIAL_PASSWORD") or secrets.token_urlsafe(12)
if not os.environ.get("TRIAL_PASSWORD"):
    print(f"`TRIAL_PASSWORD` is not set; the password of this run is {password}", file=sys.stderr)
c.DummyAuthenticator.password = password
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "/tmp/fer-hub/{username}"  # noqa: S108

c.Spawner.notebook_dir = str(PROJECT)
c.Spawner.default_url = PAGE
c.Spawner.http_timeout = 120  # seconds; a busy computer is slow to start a server
c.Spawner.environment = {
    # The kernel connection with TCP_NODELAY, voila.json, and no echo of frames.
    "JUPYTER_CONFIG_PATH": f"{PROJECT / 'binder'}{os.pathsep}{PROJECT}",
    "JUPYTER_WIDGETS_ECHO": "0",
}

# Who is away for ten minutes, or here for an hour, is asked to come again.
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
