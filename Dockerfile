# The app as one image: pages, and with another command a worker; for a machine of one's own or a Hugging
# Face Space (Docker SDK).
#   docker build -t blender-ui . && docker run -p 7860:7860 -v blender-ui:/home/app/var blender-ui
# --build-arg TORCH_INDEX=ADDRESS  takes torch from another index, such as its own for CPUs: 5 GB less
# --build-arg WEIGHTS=             leaves the embedded members' weights to the first start
FROM python:3.11-slim-bookworm

# Spaces run the container as user 1000.
RUN useradd --create-home --uid 1000 app
USER app
# A volume that Docker makes is owned as the folder in the image is.
RUN mkdir /home/app/var /home/app/weights
WORKDIR /home/app/blender-ui

ENV PATH=/home/app/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BLENDER_UI_HOST=0.0.0.0 \
    BLENDER_UI_ACCESS=demo \
    BLENDER_UI_HOME=/home/app/var \
    BLENDER_UI_WEIGHTS=/home/app/weights

# What changes seldom comes first: the largest layers are built once.
ARG TORCH_INDEX=""
COPY --chown=app constraints.txt ./
RUN python -m venv /home/app/venv \
    && pip install --no-cache-dir --constraint constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch
COPY --chown=app pyproject.toml README.md LICENSE members.toml ./
COPY --chown=app assets assets
COPY --chown=app blender_ui blender_ui
COPY --chown=app db db
RUN pip install --no-cache-dir --constraint constraints.txt --editable .

ARG WEIGHTS="--default"
RUN if [ -n "$WEIGHTS" ]; then python -m blender_ui.weights fetch "$WEIGHTS"; fi

# Not among the code: the members.toml there would be the one that counts, and a new container would have it anew.
WORKDIR /home/app
VOLUME /home/app/var
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import httpx; httpx.get('http://127.0.0.1:7860/readyz').raise_for_status()"]
CMD ["blender-ui", "serve"]
