"""Settings: what an environment means, and every refusal."""

import stat
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from sqlalchemy import make_url

from config import BadSetting, from_environment
from tests import engines

KEY = "k" * 32
PRODUCTION = {
    "CARNET_ENV": "production",
    "SECRET_KEY": KEY,
    "PUBLIC_URL": "https://cards.example.com",
    "TRUSTED_HOSTS": "cards.example.com",
    "DATABASE_URL": "postgresql://carnet_app:word@db/carnet",
}


@pytest.fixture
def local(tmp_path):
    """An environment of someone who tries Carnet at home."""
    return {"INSTANCE_PATH": str(tmp_path / "instance")}


def refusal(environ):
    with pytest.raises(BadSetting) as caught:
        from_environment(environ)
    return str(caught.value)


def test_nothing_set_is_a_local_installation(local):
    settings = from_environment(local)
    assert settings["CARNET_ENV"] == "local"
    assert settings["PUBLIC_URL"] == "http://127.0.0.1:8000"
    assert settings["PREFERRED_URL_SCHEME"] == "http"
    assert settings["TRUSTED_HOSTS"] == ["127.0.0.1", "localhost"]
    assert settings["PROXY_HOPS"] == 0
    assert settings["RATELIMIT_STORAGE_URI"] == "memory://"
    assert (settings["LOG_LEVEL"], settings["LOG_FORMAT"]) == ("info", "text")
    assert settings["TESTING"] is False


def test_a_setting_left_empty_counts_as_unset(local):
    assert from_environment({**local, "CARNET_ENV": " "})["CARNET_ENV"] == "local"


def test_requests_are_bounded(local):
    settings = from_environment(local)
    assert settings["MAX_CONTENT_LENGTH"] == 2_097_152
    assert settings["MAX_FORM_MEMORY_SIZE"] == 65_536
    assert settings["MAX_FORM_PARTS"] == 1_000
    assert settings["WTF_CSRF_TIME_LIMIT"] is None


def test_the_production_cookie_is_bound_to_its_host_and_to_https():
    settings = from_environment(PRODUCTION)
    assert settings["SESSION_COOKIE_NAME"] == "__Host-carnet"
    assert settings["SESSION_COOKIE_SECURE"] is True
    assert settings["SESSION_COOKIE_HTTPONLY"] is True
    assert settings["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert "SESSION_COOKIE_PATH" not in settings
    assert "SESSION_COOKIE_DOMAIN" not in settings


def test_the_local_cookie_works_over_plain_http(local):
    settings = from_environment(local)
    assert settings["SESSION_COOKIE_NAME"] == "carnet"
    assert settings["SESSION_COOKIE_SECURE"] is False
    assert settings["SESSION_COOKIE_HTTPONLY"] is True


def test_production_logs_for_programs():
    assert from_environment(PRODUCTION)["LOG_FORMAT"] == "json"


class TestSecretKey:
    def test_local_use_makes_a_key_and_keeps_it(self, local):
        first = from_environment(local)["SECRET_KEY"]
        assert len(first) == 64
        assert from_environment(local)["SECRET_KEY"] == first

    def test_the_kept_key_is_for_its_owner_only(self, local):
        from_environment(local)
        file = Path(local["INSTANCE_PATH"]) / "secret_key"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [each.name for each in file.parent.iterdir()] == ["secret_key"]

    def test_workers_that_start_at_once_share_one_key(self, local):
        keys = []
        job = lambda: keys.append(from_environment(local)["SECRET_KEY"])  # noqa: E731 - run by each thread
        threads = [Thread(target=job) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(keys) == 16
        assert len(set(keys)) == 1

    def test_a_kept_key_that_was_emptied_is_refused(self, local):
        from_environment(local)
        (Path(local["INSTANCE_PATH"]) / "secret_key").write_text("")
        assert "is empty" in refusal(local)

    def test_production_makes_no_key_of_its_own(self, local):
        sentence = refusal({**PRODUCTION, **local, "SECRET_KEY": ""})
        assert sentence.startswith("SECRET_KEY: production needs one.")
        assert not Path(local["INSTANCE_PATH"]).exists()

    @pytest.mark.parametrize("environ", [PRODUCTION, {}])
    def test_a_short_key_is_refused_everywhere(self, environ):
        sentence = refusal({**environ, "SECRET_KEY": "k" * 31})
        assert "shorter than 32" in sentence

    def test_a_refusal_never_repeats_the_key(self):
        assert "hunter2" not in refusal({**PRODUCTION, "SECRET_KEY": "hunter2"})

    def test_tests_get_a_fresh_key_and_leave_no_file(self, local):
        environ = {**local, "CARNET_ENV": "testing"}
        assert len(from_environment(environ)["SECRET_KEY"]) == 64
        assert not Path(local["INSTANCE_PATH"]).exists()


class TestSecretsInFiles:
    def test_a_secret_may_lie_in_a_file(self, tmp_path):
        file = tmp_path / "key"
        file.write_text(f"{KEY}\n")
        environ = {**PRODUCTION, "SECRET_KEY": "", "SECRET_KEY_FILE": str(file)}
        assert from_environment(environ)["SECRET_KEY"] == KEY

    def test_a_database_address_may_lie_in_a_file(self, tmp_path):
        file = tmp_path / "url"
        file.write_text("postgres://app@db/carnet")
        environ = {**PRODUCTION, "DATABASE_URL": "", "DATABASE_URL_FILE": str(file)}
        uri = from_environment(environ)["SQLALCHEMY_DATABASE_URI"]
        assert uri == "postgresql+psycopg://app@db/carnet"

    def test_the_word_and_its_file_together_are_refused(self):
        sentence = refusal({**PRODUCTION, "SECRET_KEY_FILE": "/nowhere"})
        assert "both SECRET_KEY and SECRET_KEY_FILE are set" in sentence

    def test_a_file_that_is_not_there_is_refused(self):
        environ = {**PRODUCTION, "SECRET_KEY": "", "SECRET_KEY_FILE": "/nowhere"}
        assert refusal(environ).startswith("SECRET_KEY_FILE: /nowhere cannot be read")

    def test_an_empty_file_is_refused(self, tmp_path):
        file = tmp_path / "key"
        file.touch()
        environ = {**PRODUCTION, "SECRET_KEY": "", "SECRET_KEY_FILE": str(file)}
        assert "is empty" in refusal(environ)


class TestDatabase:
    def test_the_default_is_a_file_in_the_instance_folder(self, local):
        uri = from_environment(local)["SQLALCHEMY_DATABASE_URI"]
        assert uri == f"sqlite:///{local['INSTANCE_PATH']}/carnet.db"

    def test_a_strange_folder_keeps_its_name(self, tmp_path):
        folder = tmp_path / "my shop 100% #1?"
        settings = from_environment({"INSTANCE_PATH": str(folder)})
        url = make_url(settings["SQLALCHEMY_DATABASE_URI"])
        assert url.database == str(folder / "carnet.db")

    def test_a_relative_file_lies_in_the_instance_folder(self, local):
        settings = from_environment({**local, "DATABASE_URL": "sqlite:///shop.db"})
        uri = settings["SQLALCHEMY_DATABASE_URI"]
        assert uri == f"sqlite:///{local['INSTANCE_PATH']}/shop.db"

    def test_an_absolute_file_stays_where_it_is(self, local):
        settings = from_environment({**local, "DATABASE_URL": "sqlite:////srv/shop.db"})
        assert settings["SQLALCHEMY_DATABASE_URI"] == "sqlite:////srv/shop.db"

    @pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
    def test_every_spelling_of_postgresql_takes_the_same_driver(self, scheme):
        url = f"{scheme}://app:word@db:5433/carnet?sslmode=require"
        settings = from_environment({**PRODUCTION, "DATABASE_URL": url})
        assert settings["SQLALCHEMY_DATABASE_URI"] == (
            "postgresql+psycopg://app:word@db:5433/carnet?sslmode=require"
        )

    @pytest.mark.parametrize("url", ["mysql://db/x", "postgresql+asyncpg://db/x", "oracle://db"])
    def test_another_kind_of_database_is_refused(self, url):
        sentence = refusal({**PRODUCTION, "DATABASE_URL": url})
        assert "is not served; use sqlite or postgresql" in sentence

    @pytest.mark.parametrize("url", ["carnet.db", "://", "postgresql://db:port/x"])
    def test_what_is_no_address_is_refused(self, url):
        sentence = refusal({**PRODUCTION, "DATABASE_URL": url})
        assert sentence == "DATABASE_URL: it is not a database's address."

    def test_a_refusal_never_repeats_the_password(self):
        url = "postgresql://app:hunter2@db:port/x"
        with pytest.raises(BadSetting) as caught:
            from_environment({**PRODUCTION, "DATABASE_URL": url})
        assert "hunter2" not in str(caught.value)
        assert caught.value.__suppress_context__

    def test_postgresql_needs_a_name(self):
        sentence = refusal({**PRODUCTION, "DATABASE_URL": "postgresql://app@db"})
        assert "names no database" in sentence

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
    def test_a_database_in_memory_is_for_tests_alone(self, local, url):
        assert "memory forgets all" in refusal({**local, "DATABASE_URL": url})
        environ = {**local, "DATABASE_URL": url, "CARNET_ENV": "testing"}
        settings = from_environment(environ)
        assert make_url(settings["SQLALCHEMY_DATABASE_URI"]).database == ":memory:"
        assert settings["SQLALCHEMY_ENGINE_OPTIONS"] == {"hide_parameters": True}

    def test_the_serving_role_migrates_unless_another_is_named(self):
        settings = from_environment(PRODUCTION)
        served = settings["SQLALCHEMY_DATABASE_URI"]
        assert settings["MIGRATION_DATABASE_URL"] == served
        owner = "postgresql://owner:word@db/carnet"
        settings = from_environment({**PRODUCTION, "MIGRATION_DATABASE_URL": owner})
        assert settings["MIGRATION_DATABASE_URL"] == ("postgresql+psycopg://owner:word@db/carnet")

    def test_migrating_another_kind_of_database_is_refused(self, local):
        owner = {"MIGRATION_DATABASE_URL": "postgresql://owner@db/carnet"}
        assert "the same database" in refusal({**local, **owner})

    def test_the_role_that_gets_the_grants_is_the_one_that_serves(self):
        assert from_environment(PRODUCTION)["DATABASE_APP_ROLE"] == "carnet_app"
        named = {**PRODUCTION, "DATABASE_APP_ROLE": "till"}
        assert from_environment(named)["DATABASE_APP_ROLE"] == "till"

    def test_sqlite_has_no_roles(self, local):
        assert from_environment(local)["DATABASE_APP_ROLE"] == ""

    @pytest.mark.parametrize("role", ['a"b', "a b", "1a", "a" * 64])
    def test_a_role_that_cannot_be_named_safely_is_refused(self, role):
        sentence = refusal({**PRODUCTION, "DATABASE_APP_ROLE": role})
        assert sentence.startswith("DATABASE_APP_ROLE: name the role")

    def test_a_postgresql_address_without_a_user_needs_the_role(self):
        sentence = refusal({**PRODUCTION, "DATABASE_URL": "postgresql://db/carnet"})
        assert sentence.startswith("DATABASE_APP_ROLE")

    def test_values_never_reach_the_logs(self, local):
        for environ in (PRODUCTION, local):
            options = from_environment(environ)["SQLALCHEMY_ENGINE_OPTIONS"]
            assert options["hide_parameters"] is True

    def test_the_pool_can_be_sized(self):
        options = from_environment({**PRODUCTION, "POOL_SIZE": "3"})
        assert options["SQLALCHEMY_ENGINE_OPTIONS"]["pool_size"] == 3
        assert options["SQLALCHEMY_ENGINE_OPTIONS"]["pool_pre_ping"] is True

    @pytest.mark.parametrize("size", ["0", "101", "-1", "two", "1.5", "1" * 5000, "²"])
    def test_an_absurd_pool_is_refused(self, size):
        assert refusal({**PRODUCTION, "POOL_SIZE": size}).startswith("POOL_SIZE: ")

    @pytest.mark.postgresql
    def test_postgresql_takes_the_limits_we_ask_for(self):
        server = engines.need_postgres()
        settings = from_environment(PRODUCTION)
        args = settings["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"]
        dsn = server.admin_url().replace("+psycopg", "")
        names = ("statement_timeout", "lock_timeout")
        idle = "idle_in_transaction_session_timeout"
        with psycopg.connect(dsn, **args) as db:
            found = [db.execute(f"SHOW {n}").fetchone()[0] for n in (*names, idle)]
        assert found == ["5s", "4s", "15s"]


class TestAddresses:
    @pytest.mark.parametrize("url", ["cards.example.com", "ftp://a.example.com", "https://", "//a"])
    def test_a_public_url_needs_scheme_and_host(self, local, url):
        assert "write it like https://" in refusal({**local, "PUBLIC_URL": url})

    @pytest.mark.parametrize("rest", ["/shop", "?a=1", "#top"])
    def test_a_public_url_has_no_path(self, local, rest):
        sentence = refusal({**local, "PUBLIC_URL": f"http://localhost{rest}"})
        assert "no path" in sentence

    def test_a_public_url_carries_no_user(self, local):
        sentence = refusal({**local, "PUBLIC_URL": "http://me@localhost"})
        assert "no path" in sentence

    @pytest.mark.parametrize("url", ["http://a:port", "http://[::1"])
    def test_a_broken_public_url_is_refused(self, local, url):
        assert "is not an address" in refusal({**local, "PUBLIC_URL": url})

    def test_a_slash_at_the_end_is_dropped(self):
        url = "https://cards.example.com/"
        settings = from_environment({**PRODUCTION, "PUBLIC_URL": url})
        assert settings["PUBLIC_URL"] == "https://cards.example.com"
        assert settings["PREFERRED_URL_SCHEME"] == "https"

    def test_production_needs_https(self):
        environ = {**PRODUCTION, "PUBLIC_URL": "http://cards.example.com"}
        assert "https://" in refusal(environ)

    def test_production_needs_trusted_hosts(self):
        sentence = refusal({**PRODUCTION, "TRUSTED_HOSTS": " , "})
        assert sentence.startswith("TRUSTED_HOSTS: production needs one")

    def test_our_own_host_must_be_trusted(self):
        sentence = refusal({**PRODUCTION, "TRUSTED_HOSTS": "other.example.com"})
        assert "cards.example.com, the host of PUBLIC_URL, is missing" in sentence

    def test_a_leading_dot_trusts_the_subdomains(self):
        settings = from_environment({**PRODUCTION, "TRUSTED_HOSTS": ".Example.com"})
        assert settings["TRUSTED_HOSTS"] == [".example.com"]

    def test_a_name_that_only_ends_alike_is_not_within(self):
        sentence = refusal({**PRODUCTION, "TRUSTED_HOSTS": ".s.example.com"})
        assert "is missing" in sentence

    @pytest.mark.parametrize("host", ["*", "a.com:443", "https://a.com", "a b", "-"])
    def test_what_is_no_host_name_is_refused(self, host):
        sentence = refusal({**PRODUCTION, "TRUSTED_HOSTS": host})
        assert "is not a host name alone" in sentence

    def test_a_local_address_of_ones_own_is_trusted(self, local):
        settings = from_environment({**local, "PUBLIC_URL": "http://shop.lan:8000"})
        assert "shop.lan" in settings["TRUSTED_HOSTS"]

    @pytest.mark.parametrize("hops", ["6", "-1", "all"])
    def test_proxies_beyond_belief_are_refused(self, hops):
        assert "0 to 5" in refusal({**PRODUCTION, "PROXY_HOPS": hops})

    def test_proxies_are_counted(self):
        assert from_environment({**PRODUCTION, "PROXY_HOPS": "2"})["PROXY_HOPS"] == 2


class TestWords:
    @pytest.mark.parametrize("name", ["CARNET_ENV", "LOG_LEVEL", "LOG_FORMAT"])
    def test_a_word_that_is_no_choice_is_refused(self, local, name):
        sentence = refusal({**local, name: "loud"})
        assert sentence.startswith(f"{name}: 'loud' is none of ")

    def test_case_does_not_matter(self, local):
        assert from_environment({**local, "LOG_LEVEL": "DEBUG"})["LOG_LEVEL"] == "debug"

    def test_the_error_names_its_setting(self, local):
        with pytest.raises(BadSetting) as caught:
            from_environment({**local, "LOG_LEVEL": "loud"})
        assert caught.value.name == "LOG_LEVEL"

    @pytest.mark.parametrize("url", ["redis://db:6379/0", "rediss://db"])
    def test_attempts_may_be_counted_in_redis(self, local, url):
        settings = from_environment({**local, "RATE_LIMIT_STORAGE": url})
        assert settings["RATELIMIT_STORAGE_URI"] == url

    def test_another_store_for_attempts_is_refused(self, local):
        sentence = refusal({**local, "RATE_LIMIT_STORAGE": "memcached://db:hunter2"})
        assert sentence.startswith("RATE_LIMIT_STORAGE: write memory://")
        assert "hunter2" not in sentence


def test_every_setting_is_documented():
    root = Path(__file__).parent.parent
    table = (root / "docs" / "run" / "settings.md").read_text()
    source = (root / "config.py").read_text()
    words = [line.split()[0] for line in source.splitlines()[2:16] if line.strip()]
    assert len(words) == 13
    assert [word for word in words if f"`{word}`" not in table] == []
