# docker build -t commodity-verification .
# mkdir -p datasets experiments cache && sudo chown 1000 datasets experiments cache      # of the user in the image
# docker run --gpus all --ipc=host -v "$PWD/datasets:/app/datasets" -v "$PWD/experiments:/app/experiments" \
#     -v "$PWD/cache:/home/verifier/.cache" commodity-verification train.sh options/63_grad_clip_norm_0.5.yml
# The wheels of torch bring their own CUDA libraries; the host needs NVIDIA's driver and container toolkit.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 verifier && mkdir -p /app/datasets /app/experiments /home/verifier/.cache \
    && chown -R verifier /app /home/verifier/.cache
WORKDIR /app

# Before the code, so that a change of code installs nothing again.
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY --chown=verifier . .
USER verifier
ENTRYPOINT ["bash"]
CMD ["train.sh"]
