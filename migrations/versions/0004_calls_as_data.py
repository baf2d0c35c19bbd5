"""Calls as data, answers, runs, draws, replies, reviewer profiles, courses."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0004'
down_revision: str | None = '0003'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


OLD_LANES = "'starter', 'standard', 'large', 'classroom'"
STEPS = '{"admin_check": 5, "review": 21, "panel": 14, "decision": 7, "acceptance": 30}'
# What every call asked so far: column of the proposal, question, hint, words at most.
QUESTIONS = (
    ('merit', 'Scientific merit', 'The question, why it matters, and what will be known afterwards.', 1000),
    (
        'plan',
        'Computational plan',
        'Models and their sizes, number of runs, GPU-hours of a run, and how you know.',
        1000,
    ),
    ('data_plan', 'Data plan', 'What data you use and make, where they are kept, and what is published.', 600),
)


def _ask_what_was_asked() -> None:
    """The three texts of each proposal become answers to three questions of its call."""
    connection = op.get_bind()
    for position, (column, label, hint, words) in enumerate(QUESTIONS):
        told = {'position': position, 'label': label, 'hint': hint, 'words': words, 'needed': True}
        connection.execute(
            sa.text(
                'INSERT INTO question (call_id, position, section, kind, label, hint, needed, words, options) '
                "SELECT id, :position, 'Case', 'text', :label, :hint, :needed, :words, '[]' FROM call"
            ),
            told,
        )
        connection.execute(
            sa.text(
                'INSERT INTO answer (proposal_id, question_id, text, cells, saved_by, saved_at, version) '
                f"SELECT p.id, q.id, p.{column}, '[]', person.name, p.created_at, 1 FROM proposal p "
                'JOIN question q ON q.call_id = p.call_id AND q.position = :position '
                f"JOIN person ON person.id = p.pi_id WHERE p.{column} <> ''"
            ),
            {'position': position},
        )


def _stand_at_a_step() -> None:
    """What waits for the office is at its check, what is under review at the review."""
    for state, step in (('submitted', 'admin_check'), ('in_review', 'review')):
        op.execute(
            f"UPDATE proposal SET step = '{step}', step_since = state_since, step_due = state_since "
            f"WHERE state = '{state}'"
        )


def _take_answers_back() -> None:
    """What the older schema cannot hold goes: other questions, tables, files."""
    connection = op.get_bind()
    for column, label, _, _ in QUESTIONS:
        connection.execute(
            sa.text(
                f'UPDATE proposal SET {column} = COALESCE((SELECT answer.text FROM answer '
                'JOIN question ON question.id = answer.question_id '
                "WHERE answer.proposal_id = proposal.id AND question.label = :label), '')"
            ),
            {'label': label},
        )


def upgrade() -> None:
    op.create_table('digest',
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('looked_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_digest_person_id')),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_digest'))
    )
    op.create_table('call_edition',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('content', sa.JSON(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('made_by', sa.String(length=200), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_call_edition_call_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_edition')),
    sa.UniqueConstraint('call_id', 'number', name=op.f('uq_call_edition_call_id_number'))
    )
    op.create_table('call_letter',
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('submitted', 'returned', 'review_asked', 'awarded', 'declined', name='letterkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_call_letter_call_id')),
    sa.PrimaryKeyConstraint('call_id', 'kind', name=op.f('pk_call_letter'))
    )
    op.create_table('course',
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('seats', sa.Integer(), nullable=False),
    sa.Column('cap', sa.BigInteger(), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('roster', sa.JSON(), nullable=False),
    sa.Column('issue', sa.Integer(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('cap > 0', name=op.f('ck_course_cap_positive')),
    sa.CheckConstraint('seats BETWEEN 1 AND 500', name=op.f('ck_course_seats_range')),
    sa.ForeignKeyConstraint(['project_id'], ['project.id'], name=op.f('fk_course_project_id')),
    sa.PrimaryKeyConstraint('project_id', name=op.f('pk_course'))
    )
    op.create_table('draw',
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('secret', sa.String(length=128), nullable=False),
    sa.Column('commitment', sa.String(length=64), nullable=False),
    sa.Column('sealed_by', sa.String(length=200), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('placed', sa.JSON(), nullable=False),
    sa.Column('budget', sa.JSON(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('source', sa.String(length=300), nullable=False),
    sa.Column('frozen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('record', sa.JSON(), nullable=False),
    sa.Column('drawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_draw_call_id')),
    sa.PrimaryKeyConstraint('call_id', name=op.f('pk_draw'))
    )
    op.create_table('question',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('section', sa.String(length=80), nullable=False),
    sa.Column('kind', sa.Enum('text', 'choice', 'number', 'table', 'file', name='questionkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('label', sa.String(length=200), nullable=False),
    sa.Column('hint', sa.Text(), nullable=False),
    sa.Column('needed', sa.Boolean(), nullable=False),
    sa.Column('words', sa.Integer(), nullable=True),
    sa.Column('least', sa.Integer(), nullable=True),
    sa.Column('most', sa.Integer(), nullable=True),
    sa.Column('options', sa.JSON(), nullable=False),
    sa.CheckConstraint('most >= least', name=op.f('ck_question_most_not_below_least')),
    sa.CheckConstraint('words BETWEEN 1 AND 5000', name=op.f('ck_question_words_range')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_question_call_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_question')),
    sa.UniqueConstraint('call_id', 'position', name=op.f('uq_question_call_id_position'))
    )
    op.create_table('run',
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('assignment', 'calibration', 'split', 'exchange', name='runkind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('seed', sa.BigInteger(), nullable=False),
    sa.Column('parameters', sa.JSON(), nullable=False),
    sa.Column('inputs', sa.JSON(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('result', sa.JSON(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('asked_by', sa.String(length=200), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'running', 'done', 'failed', 'applied', name='runstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('state_since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_run_call_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_run'))
    )
    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.create_index('ix_run_due', ['state', 'id'], unique=False)
        batch_op.create_index('ix_run_of_call', ['call_id', 'kind', 'id'], unique=False)

    op.create_table('course_seat',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('project_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('joined_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_course_seat_person_id')),
    sa.ForeignKeyConstraint(['project_id'], ['course.project_id'], name=op.f('fk_course_seat_project_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_course_seat'))
    )
    with op.batch_alter_table('course_seat', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_course_seat_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_course_seat_person', ['project_id', 'person_id'], unique=True)

    op.create_table('reviewer_profile',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('fields_of_science', sa.JSON(), nullable=False),
    sa.Column('keywords', sa.Text(), nullable=False),
    sa.Column('kind', sa.Enum('domain', 'technical', name='kind', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('most', sa.Integer(), nullable=False),
    sa.Column('away_from', sa.Date(), nullable=True),
    sa.Column('away_until', sa.Date(), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('(away_from IS NULL) = (away_until IS NULL)', name=op.f('ck_reviewer_profile_away_both')),
    sa.CheckConstraint('away_until >= away_from', name=op.f('ck_reviewer_profile_away_in_order')),
    sa.CheckConstraint('most BETWEEN 1 AND 30', name=op.f('ck_reviewer_profile_most_range')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_reviewer_profile_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reviewer_profile')),
    sa.UniqueConstraint('person_id', name=op.f('uq_reviewer_profile_person_id'))
    )
    op.create_table('answer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('proposal_id', sa.Integer(), nullable=False),
    sa.Column('question_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('cells', sa.JSON(), nullable=False),
    sa.Column('saved_by', sa.String(length=200), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_answer_proposal_id')),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_answer_question_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_answer')),
    sa.UniqueConstraint('proposal_id', 'question_id', name=op.f('uq_answer_proposal_id_question_id'))
    )
    op.create_table('attachment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('proposal_id', sa.Integer(), nullable=False),
    sa.Column('question_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('media_type', sa.String(length=80), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('pages', sa.Integer(), nullable=True),
    sa.Column('saved_by', sa.String(length=200), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_attachment_proposal_id')),
    sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('fk_attachment_question_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attachment')),
    sa.UniqueConstraint('proposal_id', 'question_id', name=op.f('uq_attachment_proposal_id_question_id'))
    )
    op.create_table('assessment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('proposal_id', sa.Integer(), nullable=False),
    sa.Column('provider_id', sa.Integer(), nullable=False),
    sa.Column('verdict', sa.Enum('feasible', 'with_changes', 'unsuitable', name='verdict', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('assessed_by', sa.String(length=200), nullable=False),
    sa.Column('assessed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_assessment_proposal_id')),
    sa.ForeignKeyConstraint(['provider_id'], ['provider.id'], name=op.f('fk_assessment_provider_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assessment')),
    sa.UniqueConstraint('proposal_id', 'provider_id', name=op.f('uq_assessment_proposal_id_provider_id'))
    )
    op.create_table('message',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('proposal_id', sa.Integer(), nullable=False),
    sa.Column('author_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['person.id'], name=op.f('fk_message_author_id')),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_message_proposal_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message'))
    )
    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.create_index('ix_message_of_proposal', ['proposal_id', 'id'], unique=False)

    op.create_table('publication',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('profile_id', sa.Integer(), nullable=False),
    sa.Column('title', sa.String(length=500), nullable=False),
    sa.Column('abstract', sa.Text(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('doi', sa.String(length=200), nullable=True),
    sa.ForeignKeyConstraint(['profile_id'], ['reviewer_profile.id'], name=op.f('fk_publication_profile_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_publication')),
    sa.UniqueConstraint('profile_id', 'doi', name=op.f('uq_publication_profile_id_doi'))
    )
    op.create_table('rebuttal',
    sa.Column('proposal_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['proposal_id'], ['proposal.id'], name=op.f('fk_rebuttal_proposal_id')),
    sa.PrimaryKeyConstraint('proposal_id', name=op.f('pk_rebuttal'))
    )
    with op.batch_alter_table('call', schema=None) as batch_op:
        batch_op.add_column(sa.Column('timezone', sa.String(length=64), nullable=False, server_default='UTC'))
        batch_op.add_column(sa.Column('disclosure', sa.Enum('open', 'single_blind', 'double_blind', name='disclosure', native_enum=False, create_constraint=True, length=24), nullable=False, server_default='single_blind'))
        batch_op.add_column(sa.Column('reviewed_by', sa.Enum('experts', 'applicants', name='reviewers', native_enum=False, create_constraint=True, length=24), nullable=False, server_default='experts'))
        batch_op.add_column(sa.Column('decided_by', sa.Enum('rule', 'officer', 'chair', name='decider', native_enum=False, create_constraint=True, length=24), nullable=False, server_default='chair'))
        batch_op.add_column(sa.Column('per_person', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('steps', sa.JSON(), nullable=False, server_default=STEPS))
        batch_op.add_column(sa.Column('high_risk_percent', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('grace_minutes', sa.Integer(), nullable=False, server_default='15'))
        batch_op.drop_constraint(batch_op.f('ck_call_lane'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_call_lane'), f"lane IN ({OLD_LANES}, 'rapid')")
        batch_op.create_check_constraint(batch_op.f('ck_call_per_person_range'), 'per_person BETWEEN 1 AND 20')
        batch_op.create_check_constraint(batch_op.f('ck_call_high_risk_percent_range'), 'high_risk_percent BETWEEN 0 AND 50')
        batch_op.create_check_constraint(batch_op.f('ck_call_grace_minutes_range'), 'grace_minutes BETWEEN 0 AND 1440')

    with op.batch_alter_table('call_pool', schema=None) as batch_op:
        batch_op.add_column(sa.Column('most', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('agreed_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('agreed_by', sa.String(length=200), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('agreed_by_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_call_pool_agreed_by_id'), 'person', ['agreed_by_id'], ['id'])

    with op.batch_alter_table('proposal', schema=None) as batch_op:
        batch_op.add_column(sa.Column('high_risk', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('hides_abstract', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('step', sa.Enum('admin_check', 'technical', 'review', 'rebuttal', 'discussion', 'panel', 'decision', 'acceptance', name='stepkind', native_enum=False, create_constraint=True, length=24), nullable=True))
        batch_op.add_column(sa.Column('step_since', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('step_due', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('grace_until', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('review_group', sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f('ix_proposal_step_due'), ['step_due'], unique=False)

    _ask_what_was_asked()
    _stand_at_a_step()
    with op.batch_alter_table('proposal', schema=None) as batch_op:
        batch_op.drop_column('merit')
        batch_op.drop_column('plan')
        batch_op.drop_column('data_plan')

    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.add_column(sa.Column('private_note', sa.Text(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('is_duty', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('due_at', sa.DateTime(timezone=True), nullable=True))



def downgrade() -> None:
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.drop_column('due_at')
        batch_op.drop_column('is_duty')
        batch_op.drop_column('private_note')

    with op.batch_alter_table('proposal', schema=None) as batch_op:
        batch_op.add_column(sa.Column('merit', sa.TEXT(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('data_plan', sa.TEXT(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('plan', sa.TEXT(), nullable=False, server_default=''))
    _take_answers_back()
    with op.batch_alter_table('proposal', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_proposal_step_due'))
        batch_op.drop_column('review_group')
        batch_op.drop_column('grace_until')
        batch_op.drop_column('step_due')
        batch_op.drop_column('step_since')
        batch_op.drop_constraint(batch_op.f('ck_proposal_stepkind'), type_='check')
        batch_op.drop_column('step')
        batch_op.drop_column('high_risk')
        batch_op.drop_column('hides_abstract')

    with op.batch_alter_table('call_pool', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_call_pool_agreed_by_id'), type_='foreignkey')
        batch_op.drop_column('agreed_by_id')
        batch_op.drop_column('agreed_by')
        batch_op.drop_column('agreed_at')
        batch_op.drop_column('most')

    op.execute("UPDATE call SET lane = 'standard' WHERE lane = 'rapid'")
    with op.batch_alter_table('call', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_call_lane'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_call_lane'), f'lane IN ({OLD_LANES})')
        for name in ('per_person_range', 'high_risk_percent_range', 'grace_minutes_range'):
            batch_op.drop_constraint(batch_op.f(f'ck_call_{name}'), type_='check')
        batch_op.drop_column('grace_minutes')
        batch_op.drop_column('high_risk_percent')
        batch_op.drop_column('steps')
        batch_op.drop_column('per_person')
        batch_op.drop_constraint(batch_op.f('ck_call_decider'), type_='check')
        batch_op.drop_column('decided_by')
        batch_op.drop_constraint(batch_op.f('ck_call_reviewers'), type_='check')
        batch_op.drop_column('reviewed_by')
        batch_op.drop_constraint(batch_op.f('ck_call_disclosure'), type_='check')
        batch_op.drop_column('disclosure')
        batch_op.drop_column('timezone')

    op.drop_table('rebuttal')
    op.drop_table('assessment')
    op.drop_table('publication')
    with op.batch_alter_table('message', schema=None) as batch_op:
        batch_op.drop_index('ix_message_of_proposal')

    op.drop_table('message')
    op.drop_table('attachment')
    op.drop_table('answer')
    op.drop_table('reviewer_profile')
    with op.batch_alter_table('course_seat', schema=None) as batch_op:
        batch_op.drop_index('uq_course_seat_person')
        batch_op.drop_index(batch_op.f('ix_course_seat_person_id'))

    op.drop_table('course_seat')
    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.drop_index('ix_run_of_call')
        batch_op.drop_index('ix_run_due')

    op.drop_table('run')
    op.drop_table('question')
    op.drop_table('draw')
    op.drop_table('course')
    op.drop_table('call_letter')
    op.drop_table('call_edition')
    op.drop_table('digest')
