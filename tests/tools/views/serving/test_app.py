import html
import http.client
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote, urlsplit

import pytest

from options.errors import UserError
from tests.tools.views.reporting.synthetic import HOSTILE
from tests.tools.views.serving.conftest import picture
from tools.views.explaining.explain import explain_pair
from tools.views.serving.guard import SECURITY_HEADERS
from tools.views.serving.judge import Judge

BOUNDARY = "----boundary"
PICKED = {"source_from": "catalogue", "source_id": "i0", "target_from": "catalogue", "target_id": "i1"}
ENTERED = {
    "source_from": "entered", "source_title": "红花瓶", "source_attributes": "品牌：木岚\n型号: xk-1",
    "target_from": "catalogue", "target_id": "i1",
}  # fmt: skip


@contextmanager
def connection(address: str) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    yield opened
    opened.close()


def multipart(fields: Mapping[str, str | bytes]) -> bytes:
    parts = []
    for name, value in fields.items():
        file = '; filename="a.png"' if isinstance(value, bytes) else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        parts += [head.encode(), value if isinstance(value, bytes) else value.encode(), b"\r\n"]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def request(
    address: str, method: str = "GET", path: str = "/", body: bytes | None = None, **headers: str
) -> tuple[int, str, Mapping[str, str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with connection(address) as opened:
        opened.request(method, path, body, named)
        answer = opened.getresponse()
        return answer.status, answer.read().decode(), answer.headers


def post(address: str, fields: Mapping[str, str | bytes], **headers: str) -> tuple[int, str]:
    form = {"content_type": f"multipart/form-data; boundary={BOUNDARY}"}
    status, page, _ = request(address, "POST", "/", multipart(fields), **(form | headers))
    return status, page


def fault(page: str) -> str:
    found = re.search(r'<section class="fault".*?<p>(.*?)</p>', page)
    return html.unescape(found[1]) if found else ""


def scores(page: str) -> list[float]:
    return [float(score.replace("−", "-")) for score in re.findall(r"</dt><dd>([−\d.]+)<", page)]


def test_the_empty_page_forbids_all_but_its_own(address: str) -> None:
    status, page, headers = request(address)
    assert status == 200
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert 'id="pair"' in page
    assert not re.search(r'style="|\son\w+=|src="http|href="http', page)


def test_the_verdict_is_that_of_the_model(address: str, make_judge: Callable[..., Judge]) -> None:
    status, page = post(address, PICKED | {"explained": "1"})
    judge = make_judge()
    expected = explain_pair(judge.verifier, judge.catalogue.get("i0"), judge.catalogue.get("i1"), judge.settings)
    verdict = expected.verdict
    assert status == 200
    figures = [verdict.match, verdict.threshold, verdict.margin, verdict.decision_threshold]
    assert scores(page) == pytest.approx(figures, abs=6e-4)
    assert ("The same product" in page) == verdict.is_same
    assert page.count("<rect class=") == 2 * 4 + 2 * len(expected.effects)
    assert "What moves the margin most" in page


def test_an_entered_item_equals_the_same_one_of_the_catalogue(address: str) -> None:
    entered = {
        "source_from": "entered", "source_title": "红 花瓶 XK-1", "source_attributes": "品牌：木岚0\r\n型号: XK-0",
        "source_image": picture(40), "target_from": "catalogue", "target_id": "i1",
    }  # fmt: skip
    status, page = post(address, entered)
    assert status == 200
    assert scores(page) == scores(post(address, PICKED)[1])
    assert "What moves the margin most" not in page
    assert 'value="红 花瓶 XK-1"' in page


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (PICKED | {"target_id": "nobody"}, "Target: no item of the catalogue has the id 'nobody'"),
        (PICKED | {"source_id": " "}, "Source: pick an item"),
        ({}, "choose an image file"),
        (ENTERED, "Source: choose an image file"),
        (ENTERED | {"source_image": b""}, "Source: choose an image file"),
        (
            ENTERED | {"source_image": b"<svg onload=alert(1)>"},
            "Source: a.png: unreadable image: it is SVG, which is not read",
        ),
        (ENTERED | {"source_image": picture()[:-30]}, "Source: a.png: unreadable image:"),
        (ENTERED | {"source_image": picture(), "source_title": "x" * 4001}, "more than 4,000 characters"),
        (ENTERED | {"source_image": b"\xff\xd8\xff" + bytes(2**24)}, "more than 16 MiB"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_in_the_page(
    address: str, fields: Mapping[str, str | bytes], message: str
) -> None:
    status, page = post(address, fields)
    assert status == 422
    assert message in fault(page)
    assert scores(page) == []


def test_hostile_texts_are_escaped(address: str) -> None:
    _, page = post(address, PICKED | {"target_id": "i2", "explained": "1"})
    assert "The margin" in page
    assert "<script>alert" not in page
    assert "onerror" in page
    assert "<img src=x" not in page
    _, page = post(address, PICKED | {"source_id": HOSTILE})
    assert "<script>alert" not in page


def test_the_search_answers_with_items(address: str) -> None:
    status, answer, _ = request(address, path=f"/items?words={quote('花瓶')}")
    items = json.loads(answer)
    assert status == 200
    assert [item["id"] for item in items] == ["i0"]
    assert items[0]["picture"].startswith("data:image/jpeg;base64,")
    assert json.loads(request(address, path="/items?words=nothing")[1]) == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
    ],
)
def test_foreign_hosts_and_origins_are_refused(address: str, headers: dict[str, str], status: int) -> None:
    found, page = post(address, PICKED, **headers)
    assert found == status
    assert "margin" not in page


def test_a_body_that_announces_too_much_is_refused_before_it_is_read(address: str) -> None:
    with connection(address) as opened:
        opened.putrequest("POST", "/")
        opened.putheader("content-type", f"multipart/form-data; boundary={BOUNDARY}")
        opened.putheader("content-length", str(2**40))
        opened.endheaders()
        answer = opened.getresponse()
        assert answer.status == 413
        assert "More than 33 MiB" in fault(answer.read().decode())


def test_a_body_that_announces_nothing_is_counted_while_it_is_read(address: str) -> None:
    chunk = b"x" * 2**20
    with connection(address) as opened:
        opened.putrequest("POST", "/")
        opened.putheader("content-type", f"multipart/form-data; boundary={BOUNDARY}")
        opened.putheader("transfer-encoding", "chunked")
        opened.endheaders()
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="source_image"; filename="a"\r\n\r\n'.encode()
        for part in (head, *[chunk] * 40):
            opened.send(b"%x\r\n%s\r\n" % (len(part), part))
        # The body has no end yet.
        answer = opened.getresponse()
        assert answer.status == 413
        assert "More than 33 MiB" in fault(answer.read().decode())


def test_malformed_requests_get_an_answer(address: str) -> None:
    assert request(address, path="/none")[0] == 404
    assert request(address, "PUT")[0] == 405
    assert request(address, "POST", "/", b"no form", content_type="multipart/form-data")[0] == 400
    assert request(address, "POST", "/", b"a=b", content_type="application/x-www-form-urlencoded")[0] == 422
    assert post(address, {f"field{number}": "" for number in range(30)})[0] == 400


@pytest.mark.parametrize(
    "parameters",
    [
        "boundary=x; charset=hex", "boundary=x; charset=undefined", "boundary=x; charset=idna", "boundary=; charset=x",
        'boundary=x; charset="utf 9"', "boundary=\xff; charset=rot13", "charset=utf-8", "boundary", ";;=;",
        "boundary=x",
    ],
)  # fmt: skip
def test_a_malformed_parameter_of_the_content_type_is_no_fault_of_the_server(address: str, parameters: str) -> None:
    for name in (b"source_title", b"source_title\xff"):
        body = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n\xff\r\n--x--\r\n' % name
        status, _, _ = request(address, "POST", "/", body, content_type=f"multipart/form-data; {parameters}")
        assert status in (400, 422)


def test_clients_that_go_away_while_they_send_are_passed_over_without_a_word(
    address: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(server, "handlers", [*server.handlers, caplog.handler])
    for kind in (f"multipart/form-data; boundary={BOUNDARY}", "application/x-www-form-urlencoded"):
        with connection(address) as opened:
            opened.putrequest("POST", "/")
            opened.putheader("content-type", kind)
            opened.putheader("content-length", "1000")
            opened.endheaders(b"--")
    assert request(address)[0] == 200  # which the server answers after it has seen the others go
    time.sleep(0.2)
    assert caplog.records == []


def test_a_model_of_texts_alone_asks_for_no_picture(
    make_judge: Callable[..., Judge], serve_judge: Callable[[Judge], str]
) -> None:
    address = serve_judge(make_judge("model.image_encoder=null"))
    assert 'type="file"' not in request(address)[1]
    status, page = post(address, ENTERED | {"explained": "1"})
    assert status == 200
    assert "no picture" in page
    assert "whole title" in page


def test_a_model_of_pictures_alone_asks_for_no_text(
    make_judge: Callable[..., Judge], serve_judge: Callable[[Judge], str]
) -> None:
    address = serve_judge(make_judge("model.text_encoder=null"))
    assert "source_title" not in request(address)[1]
    status, page = post(address, ENTERED | {"source_image": picture(), "explained": "1"})
    assert status == 200
    assert "whole picture" in page
    assert "whole title" not in page


def test_two_users_are_judged_one_after_the_other(
    make_judge: Callable[..., Judge], serve_judge: Callable[[Judge], str]
) -> None:
    judge = make_judge()
    inside, most = 0, 0

    def watch(*_: object) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.2)
        inside -= 1

    judge.verifier.encoder.register_forward_pre_hook(watch)
    address = serve_judge(judge)
    pages: list[str] = []
    users = [threading.Thread(target=lambda: pages.append(post(address, PICKED)[1])) for _ in range(3)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert most == 1
    assert len({tuple(scores(page)) for page in pages}) == 1
    assert len(pages) == 3


def test_a_fault_in_the_model_s_data_is_a_message_too(
    make_judge: Callable[..., Judge], serve_judge: Callable[[Judge], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = make_judge()

    def fail(*_: object) -> None:
        raise UserError("embeddings are not finite")

    monkeypatch.setattr("tools.views.serving.judge.explain_pair", fail)
    status, page = post(serve_judge(replace(judge)), PICKED)
    assert (status, fault(page)) == (422, "embeddings are not finite")
