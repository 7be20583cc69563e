from collections.abc import Callable

from tests.tools.views.serving.test_app import PICKED, post
from tools.views.serving.judge import Judge


def test_the_verdict_of_a_model_with_a_second_stage_is_what_that_decides(
    make_judge: Callable[..., Judge], serve_judge: Callable[[Judge], str]
) -> None:
    judge = make_judge("model.image_encoder=null", "predict.decider=trees")
    address = serve_judge(judge)
    assert judge.verifier.decider is not None
    verdicts = []
    for target in ("i0", "i1", "i2"):
        status, page = post(address, PICKED | {"target_id": target})
        assert status == 200
        verdicts.append("The same product" in page)
        pair = [judge.catalogue.get(name).item for name in ("i0", target)]
        assert judge.verifier.decide(pair[:1], pair[1:]).tolist() == verdicts[-1:]
    assert set(verdicts) == {True, False}
