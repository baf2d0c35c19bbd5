"""Federated log-in, sessions, sealed audit trail."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


revision: str = '0002'
down_revision: str | None = '0001'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('audit_head',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('length', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_head'))
    )
    op.create_table('identity_provider',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('slug', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('issuer', sa.String(length=255), nullable=False),
    sa.Column('client_id', sa.String(length=255), nullable=False),
    sa.Column('secret_setting', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.Enum('generic', 'cilogon', 'orcid', 'globus', 'keycloak', name='providerkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('algorithms', sa.JSON(), nullable=False),
    sa.Column('metadata_seconds', sa.Integer(), nullable=False),
    sa.Column('keys_seconds', sa.Integer(), nullable=False),
    sa.Column('trusts_assurance', sa.Boolean(), nullable=False),
    sa.Column('trusts_mfa', sa.Boolean(), nullable=False),
    sa.Column('sirtfi', sa.Boolean(), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.CheckConstraint('keys_seconds BETWEEN 0 AND 3600', name=op.f('ck_identity_provider_keys_seconds_range')),
    sa.CheckConstraint('metadata_seconds BETWEEN 0 AND 86400', name=op.f('ck_identity_provider_metadata_seconds_range')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identity_provider')),
    sa.UniqueConstraint('issuer', name=op.f('uq_identity_provider_issuer')),
    sa.UniqueConstraint('slug', name=op.f('uq_identity_provider_slug'))
    )
    op.create_table('home_organisation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('provider_id', sa.Integer(), nullable=False),
    sa.Column('entity_id', sa.String(length=500), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_home_organisation_institution_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['identity_provider.id'], name=op.f('fk_home_organisation_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_home_organisation')),
    sa.UniqueConstraint('provider_id', 'entity_id', name=op.f('uq_home_organisation_provider_id_entity_id'))
    )
    with op.batch_alter_table('home_organisation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_home_organisation_institution_id'), ['institution_id'], unique=False)

    op.create_table('login_attempt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('state_digest', sa.String(length=64), nullable=False),
    sa.Column('browser_digest', sa.String(length=64), nullable=False),
    sa.Column('provider_id', sa.Integer(), nullable=False),
    sa.Column('nonce', sa.String(length=64), nullable=False),
    sa.Column('verifier', sa.String(length=64), nullable=False),
    sa.Column('next', sa.String(length=500), nullable=False),
    sa.Column('steps_up', sa.String(length=64), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['provider_id'], ['identity_provider.id'], name=op.f('fk_login_attempt_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_login_attempt')),
    sa.UniqueConstraint('state_digest', name=op.f('uq_login_attempt_state_digest'))
    )
    op.create_table('kept_form',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('path', sa.String(length=500), nullable=False),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.Column('kept_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_kept_form_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_kept_form'))
    )
    op.create_table('login_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('handle_digest', sa.String(length=64), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('identity_id', sa.Integer(), nullable=False),
    sa.Column('auth_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('agent', sa.String(length=200), nullable=False),
    sa.Column('acr', sa.String(length=255), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.String(length=60), nullable=False),
    sa.ForeignKeyConstraint(['identity_id'], ['identity.id'], name=op.f('fk_login_session_identity_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_login_session_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_login_session')),
    sa.UniqueConstraint('handle_digest', name=op.f('uq_login_session_handle_digest'))
    )
    with op.batch_alter_table('login_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_login_session_person_id'), ['person_id'], unique=False)

    with op.batch_alter_table('audit_entry', schema=None) as batch_op:
        batch_op.add_column(sa.Column('seal', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('digest', sa.String(length=64), nullable=False, server_default=''))
        batch_op.create_unique_constraint(batch_op.f('uq_audit_entry_seal'), ['seal'])

    with op.batch_alter_table('identity', schema=None) as batch_op:
        batch_op.add_column(sa.Column('name', sa.String(length=200), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('mail', sa.String(length=254), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('eppn', sa.String(length=254), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('entity_id', sa.String(length=500), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('affiliations', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('assurance', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('affiliated_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False, server_default='1970-01-01 00:00:00'))
        batch_op.add_column(sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False, server_default='1970-01-01 00:00:00'))
        batch_op.add_column(sa.Column('held_at', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('institution', schema=None) as batch_op:
        batch_op.add_column(sa.Column('ror', sa.String(length=9), nullable=True))
        batch_op.add_column(sa.Column('domains', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.create_unique_constraint(batch_op.f('uq_institution_ror'), ['ror'])

    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.add_column(sa.Column('welcomed_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('terms_version', sa.String(length=20), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('fields_of_science', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('orcid', sa.String(length=19), nullable=False, server_default=''))

    # People who are there already have been welcomed.
    op.execute("UPDATE person SET welcomed_at = '1970-01-01 00:00:00'")
    op.execute("UPDATE identity SET first_seen_at = CURRENT_TIMESTAMP, last_seen_at = CURRENT_TIMESTAMP")


def downgrade() -> None:
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.drop_column('orcid')
        batch_op.drop_column('fields_of_science')
        batch_op.drop_column('terms_version')
        batch_op.drop_column('welcomed_at')

    with op.batch_alter_table('institution', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_institution_ror'), type_='unique')
        batch_op.drop_column('domains')
        batch_op.drop_column('ror')

    with op.batch_alter_table('identity', schema=None) as batch_op:
        batch_op.drop_column('held_at')
        batch_op.drop_column('last_seen_at')
        batch_op.drop_column('first_seen_at')
        batch_op.drop_column('affiliated_at')
        batch_op.drop_column('assurance')
        batch_op.drop_column('affiliations')
        batch_op.drop_column('entity_id')
        batch_op.drop_column('eppn')
        batch_op.drop_column('mail')
        batch_op.drop_column('name')

    with op.batch_alter_table('audit_entry', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_audit_entry_seal'), type_='unique')
        batch_op.drop_column('digest')
        batch_op.drop_column('seal')

    with op.batch_alter_table('login_session', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_login_session_person_id'))

    op.drop_table('login_session')
    op.drop_table('kept_form')
    op.drop_table('login_attempt')
    with op.batch_alter_table('home_organisation', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_home_organisation_institution_id'))

    op.drop_table('home_organisation')
    op.drop_table('identity_provider')
    op.drop_table('audit_head')
