from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import uvicorn
from PIL import Image

from engine.verifier import Verifier
from tests.tiny_data import write_lines
from tests.tools.views.reporting.synthetic import HOSTILE
from tests.trained_run import Trained
from tools.views.explaining.catalogue import load_catalogue
from tools.views.explaining.explain import ExplanationSettings
from tools.views.serving.app import build_app
from tools.views.serving.judge import Judge
from tools.views.serving.listen import address_of, bound_socket, config


def picture(colour: int = 100) -> bytes:
    """A PNG file."""
    buffer = BytesIO()
    noise = np.random.default_rng(colour).integers(0, 60, (40, 40, 3))
    Image.fromarray((noise + colour).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def items_and_images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A catalogue of three items, the third hostile."""
    folder = tmp_path_factory.mktemp("shop")
    lines = []
    for number, title in enumerate(("红 花瓶 XK-1", "蓝 茶杯 大号", HOSTILE)):
        (folder / f"{number}.png").write_bytes(picture(40 + 60 * number))
        pvs = f"#品牌#:#木岚{number}#;#型号#:#xk-{number}#;"
        lines.append({"item_id": f"i{number}", "item_image_name": f"{number}.png", "title": title, "item_pvs": pvs})
    return write_lines(folder / "items.jsonl", lines), folder


@pytest.fixture(scope="session")
def make_judge(trained: Trained, items_and_images: tuple[Path, Path]) -> Callable[..., Judge]:
    """Return the judge of a tiny model with the catalogue of three items."""

    def make(*overrides: str) -> Judge:
        model = Verifier.load(trained(*overrides))
        return Judge(model, load_catalogue(*items_and_images, model.options), ExplanationSettings(grid=2))

    return make


@contextmanager
def served(judge: Judge) -> Iterator[str]:
    """Serve a judge on a free port; yields the address."""
    with bound_socket("127.0.0.1", 0) as bound:
        server = uvicorn.Server(config(build_app(judge, "tiny", "127.0.0.1")))
        thread = Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield address_of(bound)
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="session")
def serve_judge() -> Iterator[Callable[[Judge], str]]:
    """Serve judges until the tests end."""
    with ExitStack() as stack:
        yield lambda judge: stack.enter_context(served(judge))


@pytest.fixture(scope="session")
def address(make_judge: Callable[..., Judge], serve_judge: Callable[[Judge], str]) -> str:
    """The address of the page of a model of text and pictures."""
    return serve_judge(make_judge())
