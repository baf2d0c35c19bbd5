"""Standing, linking, roles, tokens, the portal as provider."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


revision: str = '0003'
down_revision: str | None = '0002'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


OLD_ROLES = "'programme_officer', 'panel_chair', 'reviewer', 'custodian', 'provider_operator', 'administrator'"
ROLES = (
    "'programme_officer', 'panel_chair', 'reviewer', 'custodian', 'dac_member', 'provider_operator', "
    "'representative', 'auditor', 'administrator'"
)


def _role_indexes(scoped: str, everywhere: str) -> None:
    wheres = {'uq_role_grant_scoped': scoped, 'uq_role_grant_everywhere': everywhere}
    for name, where in wheres.items():
        columns = ['person_id', 'role'] + (['scope_id'] if name.endswith('scoped') else [])
        only = sa.text(where) if where else None
        op.create_index(name, 'role_grant', columns, unique=True, sqlite_where=only, postgresql_where=only)


def upgrade() -> None:
    op.create_table('failure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('address', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_failure'))
    )
    with op.batch_alter_table('failure', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_failure_address_kind_at'), ['address', 'kind', 'at'], unique=False)

    op.create_table('client',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('client_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('public', sa.Boolean(), nullable=False),
    sa.Column('secret_digest', sa.String(length=64), nullable=False),
    sa.Column('redirect_uris', sa.JSON(), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('grant_types', sa.JSON(), nullable=False),
    sa.Column('provider_id', sa.Integer(), nullable=True),
    sa.Column('id_token_signed_response_alg', sa.String(length=8), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("public = (secret_digest = '')", name=op.f('ck_client_secret_unless_public')),
    sa.ForeignKeyConstraint(['provider_id'], ['provider.id'], name=op.f('fk_client_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_client')),
    sa.UniqueConstraint('client_id', name=op.f('uq_client_client_id'))
    )
    with op.batch_alter_table('client', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_client_provider_id'), ['provider_id'], unique=False)

    op.create_table('link_offer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('session_digest', sa.String(length=64), nullable=False),
    sa.Column('provider_id', sa.Integer(), nullable=False),
    sa.Column('claims', sa.JSON(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['provider_id'], ['identity_provider.id'], name=op.f('fk_link_offer_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_link_offer'))
    )
    with op.batch_alter_table('link_offer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_link_offer_session_digest'), ['session_digest'], unique=False)

    op.create_table('logout_token',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('provider_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['provider_id'], ['identity_provider.id'], name=op.f('fk_logout_token_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_logout_token')),
    sa.UniqueConstraint('digest', name=op.f('uq_logout_token_digest'))
    )
    op.create_table('client_consent',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('client_id', sa.Integer(), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], name=op.f('fk_client_consent_client_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_client_consent_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_client_consent')),
    sa.UniqueConstraint('person_id', 'client_id', name=op.f('uq_client_consent_person_id_client_id'))
    )
    with op.batch_alter_table('client_consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_client_consent_client_id'), ['client_id'], unique=False)

    op.create_table('confirmation',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('asked', 'confirmed', 'refused', 'withdrawn', name='confirmationstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('state_since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('place', sa.Enum('researcher', 'student', name='place', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_confirmation_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_confirmation_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_confirmation'))
    )
    with op.batch_alter_table('confirmation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_confirmation_institution_id'), ['institution_id'], unique=False)
        batch_op.create_index('uq_confirmation_open', ['person_id'], unique=True, sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'"))

    op.create_table('past_membership',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('role', sa.Enum('pi', 'co_pi', 'allocation_manager', 'user', name='projectrole', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_past_membership_person_id')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_past_membership_project_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_past_membership'))
    )
    with op.batch_alter_table('past_membership', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_past_membership_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_past_membership_project_id'), ['project_id'], unique=False)

    op.create_table('personal_token',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('nonce', sa.String(length=64), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_personal_token_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_personal_token')),
    sa.UniqueConstraint('digest', name=op.f('uq_personal_token_digest')),
    sa.UniqueConstraint('person_id', 'nonce', name=op.f('uq_personal_token_person_id_nonce'))
    )
    op.create_table('role_invitation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('role', sa.Enum('programme_officer', 'panel_chair', 'reviewer', 'custodian', 'dac_member', 'provider_operator', 'representative', 'auditor', 'administrator', name='role', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('invited_by_id', sa.Integer(), nullable=False),
    sa.Column('scope_id', sa.Integer(), nullable=True),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('invited_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('invited', 'accepted', 'declined', 'withdrawn', name='roleinvitationstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['invited_by_id'], ['person.id'], name=op.f('fk_role_invitation_invited_by_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_role_invitation_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_role_invitation'))
    )
    with op.batch_alter_table('role_invitation', schema=None) as batch_op:
        batch_op.create_index('uq_role_invitation_everywhere', ['email', 'role'], unique=True, sqlite_where=sa.text("scope_id IS NULL AND state = 'invited'"), postgresql_where=sa.text("scope_id IS NULL AND state = 'invited'"))
        batch_op.create_index('uq_role_invitation_scoped', ['email', 'role', 'scope_id'], unique=True, sqlite_where=sa.text("state = 'invited'"), postgresql_where=sa.text("state = 'invited'"))

    op.create_table('service_token',
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('maker_id', sa.Integer(), nullable=False),
    sa.Column('confirmer_id', sa.Integer(), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('scopes', sa.JSON(), nullable=False),
    sa.Column('nonce', sa.String(length=64), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['confirmer_id'], ['person.id'], name=op.f('fk_service_token_confirmer_id')),
    sa.ForeignKeyConstraint(['maker_id'], ['person.id'], name=op.f('fk_service_token_maker_id')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_service_token_project_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_service_token')),
    sa.UniqueConstraint('digest', name=op.f('uq_service_token_digest')),
    sa.UniqueConstraint('project_id', 'nonce', name=op.f('uq_service_token_project_id_nonce'))
    )
    op.create_table('subject',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('sub', sa.String(length=36), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_subject_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subject')),
    sa.UniqueConstraint('person_id', name=op.f('uq_subject_person_id')),
    sa.UniqueConstraint('sub', name=op.f('uq_subject_sub'))
    )
    op.create_table('wrong_user_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_wrong_user_code_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_wrong_user_code'))
    )
    with op.batch_alter_table('wrong_user_code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_wrong_user_code_person_id_at'), ['person_id', 'at'], unique=False)

    op.create_table('conflict_waiver',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('proposal_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('evidence', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('granted_by', sa.String(length=200), nullable=False),
    sa.Column('granted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_conflict_waiver_person_id')),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_conflict_waiver_proposal_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conflict_waiver'))
    )
    with op.batch_alter_table('conflict_waiver', schema=None) as batch_op:
        batch_op.create_index('ix_conflict_waiver_of_proposal', ['proposal_id', 'person_id'], unique=False)

    op.create_table('merge_request',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('other_id', sa.Integer(), nullable=False),
    sa.Column('identity_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('asked', 'merged', 'refused', name='mergestate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('state_since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['identity_id'], ['identity.id'], name=op.f('fk_merge_request_identity_id')),
    sa.ForeignKeyConstraint(['other_id'], ['person.id'], name=op.f('fk_merge_request_other_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_merge_request_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_merge_request'))
    )
    with op.batch_alter_table('merge_request', schema=None) as batch_op:
        batch_op.create_index('uq_merge_request_open', ['person_id', 'other_id'], unique=True, sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'"))

    op.create_table('token_family',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('client_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('identity_id', sa.Integer(), nullable=False),
    sa.Column('scope', sa.String(length=500), nullable=False),
    sa.Column('auth_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('acr', sa.String(length=255), nullable=False),
    sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(length=60), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], name=op.f('fk_token_family_client_id')),
    sa.ForeignKeyConstraint(['identity_id'], ['identity.id'], name=op.f('fk_token_family_identity_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_token_family_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_token_family'))
    )
    with op.batch_alter_table('token_family', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_token_family_client_id'), ['client_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_token_family_person_id'), ['person_id'], unique=False)

    op.create_table('authorization_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('family_id', sa.Integer(), nullable=False),
    sa.Column('redirect_uri', sa.String(length=500), nullable=False),
    sa.Column('code_challenge', sa.String(length=128), nullable=False),
    sa.Column('nonce', sa.String(length=255), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['family_id'], ['token_family.id'], name=op.f('fk_authorization_code_family_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_authorization_code')),
    sa.UniqueConstraint('digest', name=op.f('uq_authorization_code_digest'))
    )
    with op.batch_alter_table('authorization_code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_authorization_code_family_id'), ['family_id'], unique=False)

    op.create_table('device_request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('device_digest', sa.String(length=64), nullable=False),
    sa.Column('user_digest', sa.String(length=64), nullable=False),
    sa.Column('client_id', sa.Integer(), nullable=False),
    sa.Column('scope', sa.String(length=500), nullable=False),
    sa.Column('address', sa.String(length=64), nullable=False),
    sa.Column('family_id', sa.Integer(), nullable=True),
    sa.Column('interval', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('polled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('denied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], name=op.f('fk_device_request_client_id')),
    sa.ForeignKeyConstraint(['family_id'], ['token_family.id'], name=op.f('fk_device_request_family_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_request')),
    sa.UniqueConstraint('device_digest', name=op.f('uq_device_request_device_digest')),
    sa.UniqueConstraint('user_digest', name=op.f('uq_device_request_user_digest'))
    )
    with op.batch_alter_table('device_request', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_device_request_client_id'), ['client_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_device_request_family_id'), ['family_id'], unique=False)

    op.create_table('issued_token',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.Enum('access', 'refresh', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('family_id', sa.Integer(), nullable=False),
    sa.Column('scope', sa.String(length=500), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['family_id'], ['token_family.id'], name=op.f('fk_issued_token_family_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_issued_token')),
    sa.UniqueConstraint('digest', name=op.f('uq_issued_token_digest'))
    )
    with op.batch_alter_table('issued_token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_issued_token_family_id'), ['family_id'], unique=False)

    with op.batch_alter_table('audit_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_entry_actor_id_id'), ['actor_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_entry_verb_id'), ['verb', 'id'], unique=False)

    with op.batch_alter_table('call', schema=None) as batch_op:
        batch_op.add_column(sa.Column('assurance', sa.Enum('any', 'low', 'medium', 'high', name='level', native_enum=False, create_constraint=True, length=24), nullable=False, server_default='any'))

    with op.batch_alter_table('cluster', schema=None) as batch_op:
        batch_op.add_column(sa.Column('api_url', sa.String(length=500), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('api_ca', sa.Text(), nullable=False, server_default=''))

    with op.batch_alter_table('identity', schema=None) as batch_op:
        batch_op.add_column(sa.Column('unlinked_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('rejected_at', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('institution', schema=None) as batch_op:
        batch_op.add_column(sa.Column('suspended_at', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('login_attempt', schema=None) as batch_op:
        batch_op.add_column(sa.Column('purpose', sa.Enum('log_in', 'step_up', 'link', name='purpose', native_enum=False, create_constraint=True, length=24), nullable=False, server_default='log_in'))
        batch_op.add_column(sa.Column('session_digest', sa.String(length=64), nullable=False, server_default=''))
        batch_op.alter_column('next',
               existing_type=sa.VARCHAR(length=500),
               type_=sa.String(length=2000),
               existing_nullable=False)
        batch_op.drop_column('steps_up')

    with op.batch_alter_table('login_session', schema=None) as batch_op:
        batch_op.add_column(sa.Column('provider_sid', sa.String(length=255), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('viewed_person_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('viewed_since', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_login_session_viewed_person_id'), 'person', ['viewed_person_id'], ['id'])

    with op.batch_alter_table('membership', schema=None) as batch_op:
        batch_op.add_column(sa.Column('sponsor_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('sponsored_until', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_membership_sponsor_id'), 'person', ['sponsor_id'], ['id'])

    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.add_column(sa.Column('disabled_reason', sa.Text(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('confirmed_as', sa.Enum('researcher', 'student', name='place', native_enum=False, create_constraint=True, length=24), nullable=True))
        batch_op.add_column(sa.Column('confirmed_until', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('created_at', sa.DateTime(timezone=True), nullable=False, server_default='2026-01-01 00:00:00+00:00'))

    with op.batch_alter_table('role_grant', schema=None) as batch_op:
        batch_op.drop_index('uq_role_grant_scoped')
        batch_op.drop_index('uq_role_grant_everywhere')
        batch_op.drop_constraint(batch_op.f('ck_role_grant_role'), type_='check')
        batch_op.add_column(sa.Column('granted_by_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('revoked_by', sa.String(length=200), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('revoke_reason', sa.Text(), nullable=False, server_default=''))
        batch_op.create_foreign_key(batch_op.f('fk_role_grant_granted_by_id'), 'person', ['granted_by_id'], ['id'])
        batch_op.create_check_constraint(batch_op.f('ck_role_grant_role'), f"role IN ({ROLES})")
        batch_op.create_check_constraint(batch_op.f('ck_role_grant_not_to_oneself'), 'granted_by_id <> person_id')
    live = 'revoked_at IS NULL'
    _role_indexes(live, f'scope_id IS NULL AND {live}')

    with op.batch_alter_table('team_member', schema=None) as batch_op:
        batch_op.add_column(sa.Column('inviter_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('needs_sponsor', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_foreign_key(batch_op.f('fk_team_member_inviter_id'), 'person', ['inviter_id'], ['id'])

    # Accounts are as old as their first log-in.
    op.execute(
        "UPDATE person SET created_at = COALESCE("
        "(SELECT MIN(first_seen_at) FROM identity WHERE identity.person_id = person.id), created_at)"
    )


def downgrade() -> None:
    with op.batch_alter_table('team_member', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_team_member_inviter_id'), type_='foreignkey')
        batch_op.drop_column('needs_sponsor')
        batch_op.drop_column('inviter_id')

    # What the older schema cannot hold: roles that it does not know, and grants that have ended.
    op.execute(f"DELETE FROM role_grant WHERE revoked_at IS NOT NULL OR role NOT IN ({OLD_ROLES})")
    with op.batch_alter_table('role_grant', schema=None) as batch_op:
        batch_op.drop_index('uq_role_grant_scoped')
        batch_op.drop_index('uq_role_grant_everywhere')
        batch_op.drop_constraint(batch_op.f('ck_role_grant_role'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_role_grant_not_to_oneself'), type_='check')
        batch_op.drop_constraint(batch_op.f('fk_role_grant_granted_by_id'), type_='foreignkey')
        batch_op.drop_column('revoke_reason')
        batch_op.drop_column('revoked_by')
        batch_op.drop_column('revoked_at')
        batch_op.drop_column('granted_by_id')
        batch_op.create_check_constraint(batch_op.f('ck_role_grant_role'), f"role IN ({OLD_ROLES})")
    _role_indexes('', 'scope_id IS NULL')

    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.drop_column('created_at')
        batch_op.drop_column('confirmed_until')
        batch_op.drop_constraint(batch_op.f('ck_person_place'), type_='check')
        batch_op.drop_column('confirmed_as')
        batch_op.drop_column('disabled_reason')

    with op.batch_alter_table('membership', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_membership_sponsor_id'), type_='foreignkey')
        batch_op.drop_column('sponsored_until')
        batch_op.drop_column('sponsor_id')

    with op.batch_alter_table('login_session', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_login_session_viewed_person_id'), type_='foreignkey')
        batch_op.drop_column('viewed_since')
        batch_op.drop_column('viewed_person_id')
        batch_op.drop_column('provider_sid')

    with op.batch_alter_table('login_attempt', schema=None) as batch_op:
        batch_op.add_column(sa.Column('steps_up', sa.VARCHAR(length=64), nullable=False, server_default=''))
        batch_op.alter_column('next',
               existing_type=sa.String(length=2000),
               type_=sa.VARCHAR(length=500),
               existing_nullable=False)
        batch_op.drop_column('session_digest')
        batch_op.drop_constraint(batch_op.f('ck_login_attempt_purpose'), type_='check')
        batch_op.drop_column('purpose')

    with op.batch_alter_table('institution', schema=None) as batch_op:
        batch_op.drop_column('suspended_at')

    with op.batch_alter_table('identity', schema=None) as batch_op:
        batch_op.drop_column('rejected_at')
        batch_op.drop_column('unlinked_at')

    with op.batch_alter_table('cluster', schema=None) as batch_op:
        batch_op.drop_column('api_ca')
        batch_op.drop_column('api_url')

    with op.batch_alter_table('call', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_call_level'), type_='check')
        batch_op.drop_column('assurance')

    with op.batch_alter_table('audit_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_entry_verb_id'))
        batch_op.drop_index(batch_op.f('ix_audit_entry_actor_id_id'))

    with op.batch_alter_table('issued_token', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_issued_token_family_id'))

    op.drop_table('issued_token')
    with op.batch_alter_table('device_request', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_device_request_family_id'))
        batch_op.drop_index(batch_op.f('ix_device_request_client_id'))

    op.drop_table('device_request')
    with op.batch_alter_table('authorization_code', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_authorization_code_family_id'))

    op.drop_table('authorization_code')
    with op.batch_alter_table('token_family', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_token_family_person_id'))
        batch_op.drop_index(batch_op.f('ix_token_family_client_id'))

    op.drop_table('token_family')
    with op.batch_alter_table('merge_request', schema=None) as batch_op:
        batch_op.drop_index('uq_merge_request_open', sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'"))

    op.drop_table('merge_request')
    with op.batch_alter_table('conflict_waiver', schema=None) as batch_op:
        batch_op.drop_index('ix_conflict_waiver_of_proposal')

    op.drop_table('conflict_waiver')
    with op.batch_alter_table('wrong_user_code', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_wrong_user_code_person_id_at'))

    op.drop_table('wrong_user_code')
    op.drop_table('subject')
    op.drop_table('service_token')
    with op.batch_alter_table('role_invitation', schema=None) as batch_op:
        batch_op.drop_index('uq_role_invitation_scoped', sqlite_where=sa.text("state = 'invited'"), postgresql_where=sa.text("state = 'invited'"))
        batch_op.drop_index('uq_role_invitation_everywhere', sqlite_where=sa.text("scope_id IS NULL AND state = 'invited'"), postgresql_where=sa.text("scope_id IS NULL AND state = 'invited'"))

    op.drop_table('role_invitation')
    op.drop_table('personal_token')
    with op.batch_alter_table('past_membership', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_past_membership_project_id'))
        batch_op.drop_index(batch_op.f('ix_past_membership_person_id'))

    op.drop_table('past_membership')
    with op.batch_alter_table('confirmation', schema=None) as batch_op:
        batch_op.drop_index('uq_confirmation_open', sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'"))
        batch_op.drop_index(batch_op.f('ix_confirmation_institution_id'))

    op.drop_table('confirmation')
    with op.batch_alter_table('client_consent', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_client_consent_client_id'))

    op.drop_table('client_consent')
    op.drop_table('logout_token')
    with op.batch_alter_table('link_offer', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_link_offer_session_digest'))

    op.drop_table('link_offer')
    with op.batch_alter_table('client', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_client_provider_id'))

    op.drop_table('client')
    with op.batch_alter_table('failure', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_failure_address_kind_at'))

    op.drop_table('failure')
