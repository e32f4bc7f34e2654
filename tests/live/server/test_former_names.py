"""Class names of the previous version in configuration files still work, under their former module names."""

import pytest
from jupyter_server.serverapp import ServerApp
from voila.app import Voila

from fer_lib.live.server.admission import VisitorLimit
from fer_lib.live.server.connection import KernelConnection

CONNECTION = "fer_lib.live.connection.PromptConnection"
IDENTITY_PROVIDER = "fer_lib.live.doorman.Doorman"  # words: allow


@pytest.mark.parametrize("server", [Voila, ServerApp])
def test_former_name_of_the_connection(server):
    app = server(kernel_websocket_connection_class=CONNECTION)
    assert app.kernel_websocket_connection_class is KernelConnection


def test_former_name_of_the_identity_provider():
    assert Voila(identity_provider_class=IDENTITY_PROVIDER).identity_provider_class is VisitorLimit
