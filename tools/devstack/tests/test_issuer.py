"""The development issuer behaves as OAuth 2 and OIDC clients expect."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest

from contracts.ids import employer_id
from devstack import credentials
from devstack.credentials import Client

if TYPE_CHECKING:
    from .conftest import Sandboxes


def _named(sandboxes: Sandboxes, name: str) -> Client:
    return credentials.read(sandboxes.var_dir / credentials.FILE).clients[name]


def _token(sandboxes: Sandboxes, client: Client, **more: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.client_secret, **more}
    return httpx.post(f"{sandboxes.issuer}/token", data=form)


def _claims(sandboxes: Sandboxes, token: str) -> dict[str, Any]:
    """Verified as a service would: by discovery and the published key."""
    found = httpx.get(f"{sandboxes.issuer}/.well-known/openid-configuration").json()
    assert found["issuer"] == sandboxes.issuer
    keys = jwt.PyJWKSet.from_dict(httpx.get(found["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    required = ["exp", "nbf", "iat", "jti", "sub", "iss", "aud"]
    return dict(
        jwt.decode(token, key, ["ES256"], audience="in-work-progression", issuer=found["issuer"], options={"require": required})
    )


def test_a_coach_s_token_carries_scope_and_identity(sandboxes: Sandboxes) -> None:
    answer = _token(sandboxes, _named(sandboxes, "coach-1"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["scope"]) == ("Bearer", "coach")
    claims = _claims(sandboxes, body["access_token"])
    assert claims["sub"] == claims["client_id"] == "coach-1"
    assert (claims["scope"], claims["coach_id"], claims["office_ids"]) == ("coach", "coach-1", [credentials.OFFICE_1])
    assert claims["exp"] - time.time() == pytest.approx(body["expires_in"], abs=10)
    assert "claimant_id" not in claims


def test_an_employer_s_ids_follow_from_its_paye_references(sandboxes: Sandboxes) -> None:
    claims = _claims(sandboxes, _token(sandboxes, _named(sandboxes, "employer-1")).json()["access_token"])
    assert claims["employer_ids"] == [employer_id(reference) for reference in claims["employer_paye_references"]]


def test_the_upstream_client_may_ask_for_fewer_scopes_but_not_for_more(sandboxes: Sandboxes) -> None:
    upstream = _named(sandboxes, "upstream")
    assert _token(sandboxes, upstream).json()["scope"] == "upstream:read claims:read"
    assert _token(sandboxes, upstream, scope="claims:read").json()["scope"] == "claims:read"
    refused = _token(sandboxes, upstream, scope="claims:read operator")
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_scope"})


def test_http_basic_is_understood(sandboxes: Sandboxes) -> None:
    client = _named(sandboxes, "operator")
    answer = httpx.post(
        f"{sandboxes.issuer}/token", data={"grant_type": "client_credentials"}, auth=(client.client_id, client.client_secret)
    )
    assert answer.json()["scope"] == "operator"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "operator", "client_secret": "guess"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "guess"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "password", "client_id": "operator", "client_secret": "guess"}, 400, "unsupported_grant_type"),
    ],
)
def test_wrong_clients_and_grants_are_refused(sandboxes: Sandboxes, form: dict[str, str], status: int, error: str) -> None:
    answer = httpx.post(f"{sandboxes.issuer}/token", data=form)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_client_added_to_the_file_is_known_at_once(sandboxes: Sandboxes) -> None:
    added = credentials.client("claimant-new", "claimant", claimant_id="c-17")
    assert _token(sandboxes, added).status_code == 401
    credentials.add(sandboxes.var_dir, added)
    assert _claims(sandboxes, _token(sandboxes, added).json()["access_token"])["claimant_id"] == "c-17"
    assert _token(sandboxes, _named(sandboxes, "operator")).status_code == 200


def test_the_credentials_file_names_every_promised_client_and_is_private(sandboxes: Sandboxes) -> None:
    path = sandboxes.var_dir / credentials.FILE
    found = credentials.read(path)
    people = {"coach-1", "coach-2", "team-leader-1", "decision-maker-1", "analyst-1", "claimant-1", "employer-1", "employer-2"}
    assert found.clients.keys() >= people | {"upstream", "operator"}
    assert found.token_endpoint == f"{sandboxes.issuer}/token"
    assert path.stat().st_mode & 0o077 == 0
