# The same image serves (`oms serve`), works (`oms work`) and migrates (`oms migrate`).
# All state is in the database; every setting is an OMS_… variable (see compose.yaml and `oms config`).
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv /opt/oms
ENV PATH=/opt/oms/bin:$PATH
COPY requirements.lock ./
# Wheels only: nothing is compiled here, and what has no hash in the lock is refused.
RUN pip install --require-hashes --only-binary=:all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY migrations ./migrations
# The wheel carries the migrations. What only builds it does not go along; `pip check` proves that nothing else needs it.
RUN pip install --no-deps --no-build-isolation . \
    && pip uninstall --yes --quiet hatchling editables trove-classifiers pathspec pluggy tomlkit \
    && pip check \
    && pip uninstall --yes --quiet pip

FROM python:${PYTHON_VERSION}-slim
LABEL org.opencontainers.image.title="oms-api" \
      org.opencontainers.image.description="Headless, API-first order management behind one GraphQL API" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 oms \
    && useradd --uid 10001 --gid oms --home-dir /var/lib/oms --create-home --shell /usr/sbin/nologin oms
COPY --from=build /opt/oms /opt/oms
ENV PATH=/opt/oms/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/oms
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["oms"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
