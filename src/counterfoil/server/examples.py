"""Examples of answers, for the API's description. A test holds each to its shape."""

from __future__ import annotations

from typing import Any, Final

_ID: Final = "01a21092-5e0c-764d-8ae8-c4268a432f91"
_ORIGIN: Final = "4f1d2c3b5a697887/default"
_KEY: Final[dict[str, Any]] = {
    "id": "tdyuh4vibz2v",
    "name": "support desk",
    "role": "reader",
    "company": "c-1",
    "logs": None,
    "state": "active",
    "created_at": "2026-01-31T12:00:00Z",
    "created_by": "cli",
    "expires_at": "2027-01-31T12:00:00Z",
    "revoked_at": None,
    "last_used_at": None,
    "successor": None,
}
_EVENT: Final[dict[str, Any]] = {
    "id": _ID,
    "log": "default",
    "index": 4,
    "type": "price_changed",
    "level": "info",
    "outcome": "success",
    "occurred_at": "2026-01-31T12:00:00.516882Z",
    "recorded_at": "2026-01-31T12:00:00.517308Z",
    "expires_at": "2029-01-30T12:00:00.517308Z",
    "company_id": "c-1",
    "actor_kind": "user",
    "user_id": "u-42",
    "resource_type": "product",
    "resource_id": "p-9",
    "changes": {"/price": {"op": "replace", "old": "12.50", "new": "13.00"}},
    "details": {"reason": "supplier"},
}
_CHECKPOINT: Final[dict[str, Any]] = {
    "log": "default",
    "origin": _ORIGIN,
    "size": 5,
    "root": "9f" * 32,
    "note": f"{_ORIGIN}\n5\nn5+f...\n\n\u2014 {_ORIGIN} ...\n",
    "verifier_key": f"{_ORIGIN}+1a2b3c4d+AQ...",
    "signed_at": "2026-01-31T12:00:10.000000Z",
}
_RULE: Final[dict[str, Any]] = {
    "level": "info",
    "outcome": "success",
    "disclosure_days": 365,
    "event_days": 1095,
    "personal_data": "identifiers",
    "on_failure": "spool",
    "drop": [],
    "tokenise": [],
    "anonymize": False,
    "actor_details": False,
}

#: Shape -> an answer of it.
EXAMPLES: Final[dict[str, Any]] = {
    "Appended": {"id": _ID},
    "Results": {
        "results": [
            {"status": 201, "id": _ID},
            {
                "status": 400,
                "id": None,
                "problem": {
                    "type": "urn:counterfoil:problem:bad_input",
                    "title": "An event has no event_type.",
                    "status": 400,
                    "code": "bad_input",
                    "detail": "Give it one, as a text.",
                },
            },
        ]
    },
    "ShownEvent": _EVENT,
    "EventPage": {"events": [_EVENT], "next_cursor": None, "end_cursor": "AQAAAAAFAAAAAABpowV7"},
    "Count": {"count": 7},
    "TimelineShape": {
        "unit": "day",
        "by": ["type"],
        "total": 3,
        "buckets": [
            {
                "start": "2026-01-31T00:00:00.000000Z",
                "end": "2026-02-01T00:00:00.000000Z",
                "total": 3,
                "groups": [{"group": ["price_changed"], "count": 3}],
            }
        ],
    },
    "CheckpointShape": _CHECKPOINT,
    "ProofShape": {
        "event_id": _ID,
        "index": 4,
        "checkpoint": _CHECKPOINT,
        "tlog_proof": "c2sp.org/tlog-proof@v1\n...",
        "disclosures": ["WyI..."],
    },
    "ConsistencyShape": {
        "old": 3,
        "new": 5,
        "hashes": ["n5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn58="],
    },
    "VerificationStatus": {
        "last": {
            "ended_at": "2026-01-31T12:00:00.000000Z",
            "ok": True,
            "events": 5,
            "findings": 0,
            "seconds": 0.012,
        }
    },
    "ReportShape": {
        "ok": True,
        "events": 5,
        "logs": [{"log": "default", "origin": _ORIGIN, "size": 5, "covered": 5}],
        "findings": [],
        "omitted": 0,
        "processes": 0,
        "seconds": 0.012,
    },
    "StatsShape": {
        "store": "sqlite:///audit.db",
        "logs": [
            {
                "name": "default",
                "origin": _ORIGIN,
                "size": 5,
                "recorded_at": "2026-01-31T12:00:00.517308Z",
                "checkpoint_size": 5,
                "checkpoint_at": "2026-01-31T12:00:10.000000Z",
            }
        ],
        "waiting": 0,
        "usage": {"database": 65536, "log": 0},
    },
    "KeyShape": _KEY | {"state": "revoked", "revoked_at": "2026-02-01T12:00:00Z"},
    "KeyList": {"keys": [_KEY]},
    "NewKey": _KEY | {"key": "cf_tdyuh4vibz2v_..."},
    "SessionShape": {
        "server": "counterfoil/0.1.0",
        "database": "4f1d2c3b5a697887",
        "public_key": "n5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn58=",
        "key": {name: _KEY[name] for name in ("id", "name", "role", "company", "logs")},
        "limits": {"body_bytes": 8388608, "events": 1000},
        "encodings": ["gzip"],
        "catalogue": {"profile": "baseline", "types": {}},
        "redaction": {},
        "expires_at": None,
    },
    "NewViewerToken": {
        "token": "cfv_tdyuh4vibz2v_...",
        "expires_at": "2026-01-31T12:15:00Z",
        "company": "c-1",
    },
    "TokenKeys": {"keys": [{"id": "k1", "key": "n5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn5+fn58="}]},
    "CatalogueShape": {
        "profile": "baseline",
        "types": {"price_changed": _RULE},
        "default": _RULE,
    },
    "Health": {"status": "ok"},
}
