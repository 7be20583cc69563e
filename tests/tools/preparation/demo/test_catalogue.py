from tools.preparation.demo.catalogue import plan_families
from tools.preparation.demo.product import FACTORS


def test_each_sibling_differs_from_the_first_product_in_one_factor_of_its_own():
    for family in plan_families(200, seed=0):
        base, *siblings = family.products
        differences = [base.differences(sibling) for sibling in siblings]
        assert all(len(difference) == 1 for difference in differences)
        assert len(set(differences)) == len(siblings)


def test_no_product_occurs_twice():
    products = [product for family in plan_families(500, seed=1) for product in family.products]
    assert len(set(products)) == len(products)


def test_siblings_differ_in_every_factor_somewhere():
    families = plan_families(200, seed=2)
    seen = {f.products[0].differences(sibling)[0] for f in families for sibling in f.products[1:]}
    assert seen == set(FACTORS)


def test_families_are_a_function_of_the_seed():
    assert plan_families(20, seed=3) == plan_families(20, seed=3)
    assert plan_families(20, seed=3) != plan_families(20, seed=4)


def test_more_families_begin_with_the_same_ones():
    assert plan_families(30, seed=3)[:20] == plan_families(20, seed=3)
