"""The web application: the page, its verdicts, and the search in the catalogue."""

import socket
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from options.errors import UserError
from tools.views.explaining.catalogue import Listing
from tools.views.explaining.explain import attribute_names
from tools.views.page import LONGEST_TITLE, hash_source, page_style, picture_uri, resource, shown, templates
from tools.views.serving.form import LARGEST_IMAGE, LONGEST_TEXT, EnteredPair, empty_pair, read_form
from tools.views.serving.guard import Guard
from tools.views.serving.judge import Judge, Judgement

NUM_FOUND = 12
"""Items that a search shows."""
SIDE = 96
"""Pixels of the pictures beside them."""
LONGEST_SEARCH = 200
"""Characters."""


def build_app(judge: Judge, name: str, host: str) -> Guard:
    """Return the application that serves a judge; `name` is that of the model and `host` the address it is bound to."""
    site = _Site(judge, name)
    app = Starlette(
        routes=[
            Route("/", site.show, methods=["GET"]),
            Route("/", site.judge, methods=["POST"]),
            Route("/items", site.search, methods=["GET"]),
        ],
        exception_handlers={HTTPException: site.refuse, ClientDisconnect: site.part},
    )
    # Fields and boundaries beside the two pictures.
    return Guard(app, {"localhost", socket.gethostname().lower(), host.lower()}, 2 * LARGEST_IMAGE + 2**20)


class _Site:
    """Answers requests."""

    def __init__(self, judge: Judge, name: str) -> None:
        self._judge = judge
        self._name = name
        self._style, self._script = page_style("serve.css"), resource("serve.js")
        # This style sheet, this script, and requests to this server alone.
        self._policy = (
            "default-src 'none'; img-src data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
            f"frame-ancestors 'none'; style-src {hash_source(self._style)}; script-src {hash_source(self._script)}"
        )

    async def show(self, request: Request) -> Response:
        """Answer with the empty form."""
        return self._answer()

    async def judge(self, request: Request) -> Response:
        """Answer with the verdict on the pair of the form, or with what is wrong with it."""
        try:
            async with request.form(max_files=2, max_fields=20, max_part_size=8 * LONGEST_TEXT) as form:
                entered = await read_form(form)
        except (ValueError, LookupError) as error:  # of a content type with a character set or boundary that is none
            raise HTTPException(HTTPStatus.BAD_REQUEST, f"The form cannot be read: {error}") from error
        return await run_in_threadpool(self._judged, entered)

    async def search(self, request: Request) -> Response:
        """Answer with the first items of the catalogue that have the words asked for."""
        words = request.query_params.get("words", "")[:LONGEST_SEARCH]
        return JSONResponse(await run_in_threadpool(self._found, words))

    async def refuse(self, request: Request, error: Exception) -> Response:
        """Answer a request that is too large or malformed, or for a page that there is not."""
        assert isinstance(error, HTTPException)
        return self._answer(fault=error.detail, status=error.status_code)

    async def part(self, request: Request, error: Exception) -> Response:
        """End the request of a client that went away while it sent the form; nobody gets the answer."""
        return Response(status_code=HTTPStatus.BAD_REQUEST)

    def _judged(self, entered: EnteredPair) -> Response:
        try:
            return self._answer(entered, self._judge.judge(entered))
        except UserError as error:
            return self._answer(entered, fault=str(error), status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _found(self, words: str) -> list[dict[str, str]]:
        return [_record(listing) for listing in self._judge.catalogue.search(words, NUM_FOUND)]

    def _answer(
        self,
        entered: EnteredPair | None = None,
        judgement: Judgement | None = None,
        fault: str = "",
        status: int = HTTPStatus.OK,
    ) -> Response:
        """Answer with the page: what was entered, and below it the verdict or what is wrong."""
        verifier, num_items = self._judge.verifier, len(self._judge.catalogue)
        template = templates().get_template("serve.html")
        page = template.render(
            name=self._name,
            style=self._style,
            script=self._script,
            entered=entered or empty_pair(from_catalogue=num_items > 0),
            num_items=num_items,
            num_found=NUM_FOUND,
            reads=verifier.options.reads,
            attributes=attribute_names(verifier.options),
            has_categories=len(verifier.rule.categories) > 0,
            largest_image=LARGEST_IMAGE,
            longest_text=LONGEST_TEXT,
            judgement=judgement,
            fault=fault,
        )
        return HTMLResponse(page, status, {"content-security-policy": self._policy})


def _record(listing: Listing) -> dict[str, str]:
    picture = listing.picture_to_show(SIDE)
    return {
        "id": listing.item.item_id,
        "title": shown(listing.item.title, LONGEST_TITLE),
        "category": shown(listing.item.category, LONGEST_TITLE),
        "picture": picture_uri(picture) if picture is not None else "",
    }
