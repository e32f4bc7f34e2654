# The live page at 8866 and the service at 8000 in one image: no torch, no compiler, no root.
#
#   docker build -t face-emotion-detection .
#   docker run --rm -p 8866:8866 -p 8000:8000 face-emotion-detection            # both
#   docker run --rm -p 8000:8000 face-emotion-detection service                 # one of them: page or service

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /venv
COPY pyproject.toml constraints.txt README.md LICENSE voila.json ./
COPY notebooks/04_live.ipynb notebooks/
COPY weights weights
COPY fer_lib fer_lib
RUN /venv/bin/pip install -c constraints.txt '.[service]' \
 && /venv/bin/pip uninstall -y pip setuptools

FROM python:3.11-slim
RUN useradd --create-home --uid 1000 fer
COPY --from=build /venv /venv
WORKDIR /app
COPY voila.json ./
COPY notebooks/04_live.ipynb notebooks/
COPY --chmod=755 deploy/start deploy/healthy ./
# Large values, such as frames, must not be sent back to the page that they came from.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 JUPYTER_WIDGETS_ECHO=0 FER_SERVICE_HOST=0.0.0.0
USER fer
EXPOSE 8866 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["/app/healthy"]
ENTRYPOINT ["/app/start"]
CMD ["both"]
