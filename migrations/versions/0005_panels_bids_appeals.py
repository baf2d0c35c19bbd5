"""Meetings of panels, bids, appeals, earlier texts of reviews, personal relations, reserves and smallest amounts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0005'
down_revision: str | None = '0004'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('meeting',
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('item_id', sa.Integer(), nullable=True),
    sa.Column('item_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.String(length=200), nullable=False),
    sa.Column('state', sa.Enum('planned', 'open', 'closed', name='meetingstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('state_since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_meeting_call_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meeting'))
    )
    with op.batch_alter_table('meeting', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_meeting_call_id'), ['call_id'], unique=False)

    op.create_table('personal_relation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('other_id', sa.Integer(), nullable=True),
    sa.Column('other_name', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.Enum('supervisor', 'student', 'family', 'collaborator', name='relationkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('other_orcid', sa.String(length=19), nullable=False),
    sa.Column('since', sa.Date(), nullable=True),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('declared_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('other_id IS NULL OR other_id <> person_id', name=op.f('ck_personal_relation_not_to_oneself')),
    sa.CheckConstraint('until IS NULL OR since IS NULL OR until >= since', name=op.f('ck_personal_relation_in_order')),
    sa.ForeignKeyConstraint(['other_id'], ['person.id'], name=op.f('fk_personal_relation_other_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_personal_relation_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_personal_relation')),
    sa.UniqueConstraint('person_id', 'kind', 'other_name', 'other_orcid', name=op.f('uq_personal_relation_person_id_kind_other_name_other_orcid'))
    )
    with op.batch_alter_table('personal_relation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_personal_relation_other_id'), ['other_id'], unique=False)

    op.create_table('seat',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('meeting_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('came_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['meeting_id'], ['meeting.id'], name=op.f('fk_seat_meeting_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_seat_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_seat')),
    sa.UniqueConstraint('meeting_id', 'person_id', name=op.f('uq_seat_meeting_id_person_id'))
    )
    with op.batch_alter_table('seat', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seat_person_id'), ['person_id'], unique=False)

    op.create_table('agenda_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('meeting_id', sa.Integer(), nullable=False),
    sa.Column('proposal_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('minutes', sa.Text(), nullable=False),
    sa.Column('minutes_by', sa.String(length=200), nullable=False),
    sa.Column('record', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['meeting_id'], ['meeting.id'], name=op.f('fk_agenda_item_meeting_id')),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_agenda_item_proposal_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agenda_item')),
    sa.UniqueConstraint('meeting_id', 'proposal_id', name=op.f('uq_agenda_item_meeting_id_proposal_id'))
    )
    with op.batch_alter_table('agenda_item', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_agenda_item_proposal_id'), ['proposal_id'], unique=False)

    op.create_table('appeal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('proposal_id', sa.Integer(), nullable=False),
    sa.Column('made_by', sa.String(length=200), nullable=False),
    sa.Column('ground', sa.Enum('fact', 'process', 'conflict', name='ground', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'upheld', 'rejected', name='appealstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('answered_by', sa.String(length=200), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_appeal_proposal_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appeal')),
    sa.UniqueConstraint('proposal_id', name=op.f('uq_appeal_proposal_id'))
    )
    with op.batch_alter_table('appeal', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_appeal_state'), ['state'], unique=False)

    op.create_table('bid',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('proposal_id', sa.Integer(), nullable=False),
    sa.Column('value', sa.Enum('eager', 'willing', 'unwilling', name='bidvalue', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_bid_person_id')),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_bid_proposal_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bid')),
    sa.UniqueConstraint('person_id', 'proposal_id', name=op.f('uq_bid_person_id_proposal_id'))
    )
    with op.batch_alter_table('bid', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bid_proposal_id'), ['proposal_id'], unique=False)

    op.create_table('review_edition',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('review_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('scores', sa.JSON(), nullable=False),
    sa.Column('to_pi', sa.Text(), nullable=False),
    sa.Column('to_panel', sa.Text(), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['review_id'], ['review.id'], name=op.f('fk_review_edition_review_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_review_edition')),
    sa.UniqueConstraint('review_id', 'number', name=op.f('uq_review_edition_review_id_number'))
    )
    op.create_table('room_check',
    sa.Column('item_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('standing', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['item_id'], ['agenda_item.id'], name=op.f('fk_room_check_item_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_room_check_person_id')),
    sa.PrimaryKeyConstraint('item_id', 'person_id', name=op.f('pk_room_check'))
    )
    with op.batch_alter_table('room_check', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_room_check_person_id'), ['person_id'], unique=False)

    with op.batch_alter_table('call', schema=None) as batch_op:
        batch_op.add_column(sa.Column('first_time_percent', sa.Integer(), nullable=False, server_default='0'))
        # Calls that are under way did not promise appeals.
        batch_op.add_column(sa.Column('appeal_days', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('bids_until', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f('ck_call_first_time_percent_range'), 'first_time_percent BETWEEN 0 AND 50'
        )
        batch_op.create_check_constraint(batch_op.f('ck_call_appeal_days_range'), 'appeal_days BETWEEN 0 AND 365')

    with op.batch_alter_table('institution', schema=None) as batch_op:
        batch_op.add_column(sa.Column('kind', sa.Enum('university', 'teaching', 'laboratory', 'hospital', 'company', 'other', name='institutionkind', native_enum=False, create_constraint=True, length=24), nullable=True))

    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.add_column(sa.Column('career_stage', sa.Enum('student', 'postdoc', 'early', 'established', 'not_said', name='careerstage', native_enum=False, create_constraint=True, length=24), nullable=True))

    with op.batch_alter_table('publication', schema=None) as batch_op:
        batch_op.add_column(sa.Column('authors', sa.Text(), nullable=False, server_default=''))

    with op.batch_alter_table('resource_request', schema=None) as batch_op:
        batch_op.add_column(sa.Column('minimum', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('substitutes', sa.JSON(), nullable=False, server_default='{}'))
        batch_op.create_check_constraint(
            batch_op.f('ck_resource_request_minimum_within_request'), 'minimum BETWEEN 1 AND requested'
        )

    with op.batch_alter_table('reviewer_profile', schema=None) as batch_op:
        batch_op.add_column(sa.Column('seniority', sa.Enum('early_career', 'experienced', 'senior', name='seniority', native_enum=False, create_constraint=True, length=24), nullable=True))



def downgrade() -> None:
    with op.batch_alter_table('reviewer_profile', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_reviewer_profile_seniority'), type_='check')
        batch_op.drop_column('seniority')

    with op.batch_alter_table('resource_request', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_resource_request_minimum_within_request'), type_='check')
        batch_op.drop_column('substitutes')
        batch_op.drop_column('minimum')

    with op.batch_alter_table('publication', schema=None) as batch_op:
        batch_op.drop_column('authors')

    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_person_careerstage'), type_='check')
        batch_op.drop_column('career_stage')

    with op.batch_alter_table('institution', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_institution_institutionkind'), type_='check')
        batch_op.drop_column('kind')

    with op.batch_alter_table('call', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_call_appeal_days_range'), type_='check')
        batch_op.drop_constraint(batch_op.f('ck_call_first_time_percent_range'), type_='check')
        batch_op.drop_column('bids_until')
        batch_op.drop_column('appeal_days')
        batch_op.drop_column('first_time_percent')

    with op.batch_alter_table('room_check', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_room_check_person_id'))

    op.drop_table('room_check')
    op.drop_table('review_edition')
    with op.batch_alter_table('bid', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_bid_proposal_id'))

    op.drop_table('bid')
    with op.batch_alter_table('appeal', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_appeal_state'))

    op.drop_table('appeal')
    with op.batch_alter_table('agenda_item', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_agenda_item_proposal_id'))

    op.drop_table('agenda_item')
    with op.batch_alter_table('seat', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_seat_person_id'))

    op.drop_table('seat')
    with op.batch_alter_table('personal_relation', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_personal_relation_other_id'))

    op.drop_table('personal_relation')
    with op.batch_alter_table('meeting', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_meeting_call_id'))

    op.drop_table('meeting')
