"""The form of a notebook names the same limit as the refusal: what one project may hold on that machine."""

from sqlalchemy import select

from k8s.clusters import Product
from tests.portal import stage
from tests.portal.stage import Portal


def test_the_hint_and_the_refusal_name_one_number(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        for product in session.scalars(select(Product)):
            product.most_at_once = 3
    client = portal.log_in("priya")
    address = "/projects/{project}/notebooks/new".format_map(stage.places(portal))
    allocation = "{allocation_active}".format_map(stage.places(portal))

    page = client.get(address).text
    typed = {"allocation": allocation, "image": "scipy", "gpus": "4", "hours": "1"}
    refused = client.post(address, data=typed).text

    assert "Between 1 and 3." in page
    assert "at most 3 GPUs at once" in page
    assert "Choose between 1 and 3 GPUs." in refused
