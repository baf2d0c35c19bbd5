"""Courses: a teacher's page with the link for students, and the page that the link opens."""

from typing import Any

from flask import Blueprint, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.accounts import courses, projects
from allocations.accounts.courses import Course, CourseDraft
from allocations.accounts.projects import Project
from allocations.kernel import units
from allocations.kernel.answers import require
from allocations.kernel.errors import NotFound
from portal import fields, links
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted, version_in
from portal.permissions import needs
from portal.web import act, page, see_other, settings

blueprint = Blueprint("courses", __name__)


class CourseInput(BaseModel):
    seats: fields.Number
    cap: fields.Amount
    ends_at: fields.Moment
    roster: fields.Prose = ""


@blueprint.route("/projects/<ref>/course", methods=["GET", "POST"])
@needs("course.hold")
def show(ref: str) -> ResponseReturnValue:
    project = projects.get(session(), actor(), ref)
    course = courses.of_project(session(), project)
    form = Form(_shown(course))
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _hold(form, project)):
            return see_other(url_for("courses.show", ref=ref), "The course is saved.")
    else:
        require(courses.may_hold(actor(), project))
    used = courses.used_by(session(), project)
    students = courses.students_of(session(), project)
    return page(
        "courses/show.html",
        project=project,
        course=course,
        form=form,
        link=_link(course) if course else "",
        lines=[(member.person, used.get(member.person_id, 0)) for member in students],
        status=form.status,
    )


@blueprint.post("/projects/<ref>/course/link")
@needs("course.hold")
def renew(ref: str) -> ResponseReturnValue:
    project = projects.get(session(), actor(), ref)
    course = courses.of_project(session(), project)
    if course is None:
        raise NotFound
    here = url_for("courses.show", ref=ref)
    done = "There is a new link. The old one does not work any more."
    return act(lambda: courses.renew_link(session(), actor(), course), here, done)


@blueprint.get("/courses/<token>")
@needs("course.join")
def invitation(token: str) -> ResponseReturnValue:
    course = courses.for_link(session(), *links.course_opened(token))
    return page("courses/join.html", course=course, token=token)


@blueprint.post("/courses/<token>")
@needs("course.join")
def join(token: str) -> ResponseReturnValue:
    course = courses.for_link(session(), *links.course_opened(token))
    project, form = course.project, Form()
    if form.save(lambda: courses.join(session(), actor(), course)):
        return see_other(url_for("projects.show", ref=project.ref), "You are in. You can start a notebook.")
    flash(next(iter(form.errors.values())), "error")
    return redirect(url_for("courses.invitation", token=token), 303)


def _link(course: Course) -> str:
    token = links.course(str(current_app.secret_key), course.project_id, course.issue)
    return settings().public_url + url_for("courses.invitation", token=token)


def _hold(form: Form, project: Project) -> None:
    given = form.parse(CourseInput)
    roster = tuple(given.roster.replace(",", "\n").replace(";", "\n").split("\n"))
    draft = CourseDraft(seats=given.seats, cap=given.cap, ends_at=given.ends_at, roster=roster)
    courses.hold(session(), actor(), project, draft, version=version_in(form))


def _shown(course: Course | None) -> dict[str, Any]:
    if course is None:
        return {"seats": "30", "cap": "10"}
    return {
        "seats": str(course.seats),
        "cap": units.written(course.cap),
        "ends_at": f"{course.ends_at:%Y-%m-%dT%H:%M}",
        "roster": "\n".join(course.roster),
        "version": str(course.version),
    }
