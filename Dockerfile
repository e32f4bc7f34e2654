# Image of the live page (port 8866) and the service (port 8000): no torch, no compiler, an unprivileged user.
#
#   docker build -t face-emotion-detection .
#   docker run --rm -p 127.0.0.1:8866:8866 -p 127.0.0.1:8000:8000 face-emotion-detection     # both
#   docker run --rm -p 127.0.0.1:8000:8000 face-emotion-detection service                    # one of them: page or service
#
# docs/docker.md: all restrictions of the containers, and the base image pinned by its digest.

ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
COPY requirements/build.txt requirements/service.txt requirements/
RUN python -m venv /venv && /venv/bin/pip install --require-hashes -r requirements/service.txt \
 && python -m venv /build && /build/bin/pip install --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE voila.json ./
COPY notebooks/04_live.ipynb notebooks/
COPY weights weights
COPY fer_lib fer_lib
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /venv/bin/pip install --no-deps --no-index /wheels/*.whl \
 && /venv/bin/pip uninstall -y pip setuptools

FROM ${PYTHON_IMAGE}
RUN useradd --create-home --uid 1000 --shell /usr/sbin/nologin fer
COPY --from=build /venv /venv
WORKDIR /app
COPY --chmod=755 deploy/start deploy/healthy ./
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 FER_SERVICE_HOST=0.0.0.0
# As in fer_lib/telemetry.py, for programs that do not import it.
ENV ORT_DISABLE_TELEMETRY=1 RAY_USAGE_STATS_ENABLED=0 HF_HUB_DISABLE_TELEMETRY=1
USER fer
EXPOSE 8866 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["/app/healthy"]
ENTRYPOINT ["/app/start"]
CMD ["both"]
