from tests.support.explainers_page import PAGE, explainers_page


def test_the_page_of_explainers_says_what_the_packages_declare() -> None:
    assert PAGE.read_text() == explainers_page(), "write it again: python -m tests.support.explainers_page"
