"""What there is to measure: python -m benchmarks"""

BENCHMARKS = {
    "speed": "every part against a plain way of doing it and against what the machine can do; BENCHMARKS.md",
    "gpu": "precisions, compilation, attention, 1 to N GPUs, for the published model",
    "index": "kinds of indexes on invented embeddings or your own",
    "scale": "what catalogues of 10^6, 10^8 and 10^9 items cost, by arithmetic: the table of docs/scale.md",
    "encoders": "every encoder of timm and transformers, tiny: right, or refused with the reason; docs/encoders.md",
    "matching": "recipes and what others would try first, on labelled data folders; docs/accuracy.md",
    "fresh_pairs": "whether the interval of a demo run's F1 holds on fresh pairs",
    "resize": "resizing of pictures against a plain pool of Pillow",
}


def main() -> None:
    """Print a line for each benchmark."""
    width = max(map(len, BENCHMARKS))
    for name, measured in BENCHMARKS.items():
        print(f"python -m benchmarks.{name:<{width}}  {measured}")
    print("Each says more with --help.")


if __name__ == "__main__":
    main()
