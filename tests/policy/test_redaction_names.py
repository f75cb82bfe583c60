# ruff: noqa: RUF001 - look-alike letters are what is tested here
"""Which names give a value away, in every spelling."""

from __future__ import annotations

import pytest

from counterfoil.policy.redaction import Redactor
from counterfoil.policy.redaction.names import Names

SPELLINGS = {
    "password": """
        password PASSWORD Password passWord pass_word pass-word userPassword user_password
        user.password user-password user[password] newPassword newPassword2 password_2
        password_confirmation password_confirm old_password current_password passwords
        db.password DATABASE_PASSWORD mysql_pwd usr_pwd pwd passwd user_passwd passphrase passcode
        password_hash hashed_password password_digest password_salt mypasswordhash pass db_pass
        user_pass userpass smtpPass pw p_a_s_s_w_o_r_d p.a.s.s.w.o.r.d pAsSwOrD userPASSWORD
        Passwort kennwort contraseña CONTRASEÑA mot_de_passe senha wachtwoord hasło lösenord
        пароль пароль2 раssword pаssword pαssword ｐａｓｓｗｏｒｄ pássword
        pass\u200bword pa\u00adssword pass\u0301word password\ufeff security_answer
    """,
    "secret": """
        secret secrets client_secret clientSecret clientsecret shared_secret app_secret
        secret_key secret_key_base SECRET_KEY aws_secret_access_key webhook_secret secret_id
        code_verifier client_assertion stripe_secret_key
    """,
    "token": """
        token tokens access_token accessToken accesstoken ACCESSTOKEN accessToKen refresh_token
        id_token auth_token authToken x-auth-token csrf_token csrfmiddlewaretoken XSRF-TOKEN csrf
        jwt bearer aws_session_token X-Amz-Security-Token reset_token token_hash
    """,
    "api_key": """
        api_key apiKey apikey APIKEY APIKey API-Key x-api-key x_api_key X-API-Key api.key
        stripe_api_key accessKey access_key AWS_ACCESS_KEY appKey AccountKey SharedAccessKey
    """,
    "private_key": """
        private_key privateKey PRIVATE-KEY privatekey signing_key encryption_key master_key
        ssh_key sshPrivateKey seed_phrase mnemonic
    """,
    "authorization": "Authorization Proxy-Authorization HTTP_AUTHORIZATION basic_auth auth",
    "cookie": "cookie Cookie cookies Set-Cookie set_cookie setCookie HTTP_COOKIE session_cookie",
    "pin": "pin PIN user_pin userPin card_pin new_pin pin_code pinCode",
    "otp": """
        otp OTP otp_code totp totp_secret otp_seed mfa_code two_factor_code 2fa_code
        verification_code recovery_code recovery_codes backup_codes backupCodes one_time_password
        sms_code
    """,
    "cvv": "cvv CVV cvv2 cvc cvc2 CVC2 card_cvv security_code track1 track2 track_2_data",
    "ssn": "ssn SSN user_ssn social_security_number socialSecurityNumber",
    "pan": "pan PAN card_number cardNumber cardnumber credit_card creditCard cc_number ccNumber",
    "iban": "iban IBAN bank_iban",
    "session_id": "session_id sessionId sessionid SESSION_ID JSESSIONID PHPSESSID connect.sid",
    "jti": "jti JTI",
    "connection_string": "connection_string connectionString conn_str dsn",
    "credential": "credential credentials user_credentials creds",
    "saml": "SAMLResponse samlResponse saml_response saml_assertion",
    "oauth_code": "authorization_code auth_code oauth_code",
    "link": "magic_link magicLink reset_link",
}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for kind, names in SPELLINGS.items() for name in names.split()]
)
def test_a_name_in_every_spelling(name: str, kind: str) -> None:
    verdict = Names().verdict(name)
    assert verdict is not None
    assert verdict.kind == kind


def test_verdicts_are_remembered_and_forgotten_again() -> None:
    names = Names()
    first = names.verdict("password")
    for number in range(10_000):
        assert names.verdict(f"field{number}x") is None
    assert names.verdict("password") == first


def test_very_long_names() -> None:
    names = Names()
    assert names.verdict("x" * 100_000 + "_password") is not None
    assert names.verdict("password_" + "x" * 100_000) is not None
    assert names.verdict("x" * 100_000) is None


@pytest.mark.parametrize("name", ["", " ", "_", "...", "42", "\u200b", "\ud800", "🔑", "٣"])
def test_names_that_are_none(name: str) -> None:
    assert Names().verdict(name) is None


def test_hostile_keys_do_not_fill_the_memory() -> None:
    redactor = Redactor()
    for number in range(60):
        redactor.clean({f"{number}-{index}": index for index in range(200)})
    keys = redactor._variant.keys
    assert len(keys.plain) + len(keys._known) <= 4096
    assert redactor.clean({"password": "x"}) == {"password": "[redacted:password]"}
