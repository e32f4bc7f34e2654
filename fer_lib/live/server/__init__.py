"""Server side of the live page: what is added to or changed in Jupyter Server and Voila.

Jupyter Server and Voila import two classes of this package, which their configuration files name:
`connection.KernelConnection` (kernel websocket) and `admission.VisitorLimit` (identity provider). Nothing here imports
widgets or the session of a visitor. README.md lists the private and undocumented interfaces that are used.
"""
