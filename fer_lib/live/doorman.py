"""Former place of `fer_lib.live.server.admission`, for configuration files that name it; removed in the next version."""

from fer_lib.live.server.admission import VisitorLimit as Doorman  # words: allow

__all__ = ["Doorman"]  # words: allow
