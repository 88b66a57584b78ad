"""The doors of the browser."""

from flask import Flask

from portal.web import access, answers, errors, files, filters, frame, language, logs, pressing, sessions
from portal.web.account.routes import bp as account
from portal.web.audit.routes import bp as audit
from portal.web.auth.doors import bp as auth
from portal.web.cards.doors import bp as cards
from portal.web.customers.doors import bp as customers
from portal.web.dashboard.routes import bp as dashboard
from portal.web.health.routes import bp as health
from portal.web.home.lost import bp as lost
from portal.web.home.routes import bp as home
from portal.web.media.routes import bp as media
from portal.web.orders.doors import bp as orders
from portal.web.palette.routes import bp as palette
from portal.web.products.doors import bp as products
from portal.web.program.doors import bp as program
from portal.web.reviews.routes import bp as reviews
from portal.web.settings.routes import bp as settings
from portal.web.stores.doors import bp as stores
from portal.web.team.doors import bp as team
from portal.web.trash.doors import bp as trash

SCREENS = (
    auth,
    home,
    health,
    stores,
    team,
    products,
    customers,
    orders,
    cards,
    reviews,
    trash,
    palette,
    account,
    dashboard,
    audit,
    settings,
    lost,
    program,
    media,
)


def init_app(app: Flask) -> None:
    """Hang the screens and what they share on the app; a view that does not say who may stops the start."""
    for part in (logs, files, language, answers, pressing, sessions, access, errors, filters, frame):
        part.init_app(app)
    for screen in SCREENS:
        app.register_blueprint(screen)
    access.refuse_doors_without_a_rule(app)
