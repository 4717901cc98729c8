//! The pages of the desk as people see them, in Chromium: what they show and do, whether they fit on every screen, can be read, and work by
//! keyboard alone. Without a Chromium these tests say so and do nothing, unless `CHROMIUM` names one.
//!
//! With `PICTURES` a picture of every page on every screen is written into that folder, to be looked at.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod setting;

use std::{cmp::Ordering, path::Path};

use rondo_tests::{Browser, Page, until};
use serde_json::{Value, json};

use setting::{PLATE, Setting};

/// Sentences about how a page looks, if there is anything to say.
const CHECKS: &str = include_str!("checks.js");

/// A phone, and a screen on a desk: width and height.
const PHONE: (u32, u32) = (390, 844);
const DESKTOP: (u32, u32) = (1280, 800);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approver_signs_in_by_keyboard_and_decides() {
    let Some(browser) = Browser::start() else { return };
    let desk = Setting::start().await;
    for (person, name) in [("jane", "cache"), ("jane", "search"), ("rita", "own")] {
        desk.request(person, name, 16).await;
    }
    let page = browser.open().await;
    page.open(&desk.engine.url("/desk")).await;
    page.until("location.pathname === '/desk/sign-in' && document.activeElement.id === 'token'").await;
    page.write("t-nobody").await;
    page.press_enter_and_follow().await;
    page.until_shown("Nobody has this token.").await;
    page.write("t-rita").await;
    page.press_enter_and_follow().await;
    page.until("location.pathname === '/desk/requests'").await;
    assert!(page.text().await.contains("rita Sign out"), "{}", page.text().await);

    page.follow("nav a[href='/desk/inbox']").await;
    page.until_shown("Waiting for you 2").await;
    let card = |title: &str| {
        let find = "[...document.querySelectorAll('article')].find((card) => card.querySelector('h3').textContent.includes";
        format!("{find}({}))", json!(title))
    };
    let own = page.evaluate(&format!("{}.innerText", card("own"))).await;
    assert!(
        own.as_str().unwrap().contains("You asked for this, so somebody else decides: role:reviewer."),
        "{own}"
    );
    assert_eq!(page.evaluate(&format!("{}.querySelector('form')", card("own"))).await, Value::Null);

    // A refusal needs a reason: the page says so where one is missing, and the keyboard is there.
    let reject = "button[aria-label*='cache'][value=rejected]";
    page.follow(reject).await;
    let told = page.evaluate(&format!("{}.querySelector('.notice').textContent", card("cache"))).await;
    assert_eq!(told, "The decision needs a reason.");
    page.until(&format!("{}.contains(document.activeElement)", card("cache"))).await;
    page.write("please use the shared cluster").await;
    page.follow(reject).await;
    page.until_shown("You have rejected “").await;
    page.click("article:has([aria-label*='search']) input[name=reason]").await;
    page.write("fine for the campaign").await;
    page.follow("button[aria-label*='search'][value=approved]").await;
    page.until_shown("You have approved “").await;
    let text = page.text().await;
    for words in [
        "Waiting for you 0",
        "rejected rita please use the shared cluster",
        "approved rita fine for the campaign",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }

    page.follow("header button").await;
    page.until("location.pathname === '/desk/sign-in'").await;
    assert_eq!(desk.problems(&page, &["/desk/sign-in", "/decision"]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_steps_change_while_one_looks_and_an_old_page_says_so() {
    let Some(browser) = Browser::start() else { return };
    let mut desk = Setting::start().await;
    let page = browser.open().await;
    desk.sign_in(&page, "jane").await;
    page.until("document.getElementById('live').textContent === 'Live'").await;
    // A page that is loaded again has neither the mark nor the focus.
    page.evaluate("window.mark = 1; document.querySelector('td a').focus(); 1").await;
    let shows = async |steps: [&str; 4], state: &str| {
        let [one, two, three, four] = steps;
        let expected = format!("allocate {one} configure {two} activate {three} verify {four}");
        page.until(&format!(
            "document.querySelector('.steps').textContent.replaceAll(/(Pending|Running|Completed|Failed)/g, '$1 ').trim() === {} \
             && document.querySelector('td .pill').textContent === {} && window.mark === 1 && document.activeElement.textContent === 'shop'",
            json!(expected),
            json!(state),
        ))
        .await;
    };
    let [pending, running, done] = ["Pending", "Running", "Completed"];
    shows([pending; 4], "Queued").await;
    for (number, (step, state)) in [
        ("allocate", "Allocating"),
        ("configure", "Configuring"),
        ("activate", "Activating"),
        ("verify", "Verifying"),
    ]
    .iter()
    .enumerate()
    {
        let steps = |now| {
            std::array::from_fn(|at| match at.cmp(&number) {
                Ordering::Less => done,
                Ordering::Equal => now,
                Ordering::Greater => pending,
            })
        };
        desk.report(step, "Running").await;
        shows(steps(running), state).await;
        desk.report(step, "Completed").await;
    }
    shows([done; 4], "Completed").await;

    // A choice that is being made is not taken away.
    page.evaluate("document.querySelector('select[name=state]').value = 'Failed'; window.steps = document.querySelector('.steps'); 1").await;
    desk.request("jane", "another", 1).await;
    assert_eq!(desk.problems(&page, &[]), [""; 0]);

    desk.engine.kill();
    page.evaluate(
        "document.querySelector('select[name=state]').value = ''; document.activeElement.blur(); 1",
    )
    .await;
    page.until_shown("The desk does not answer. This is from ").await;
    assert_eq!(page.evaluate("window.steps.isConnected && window.mark").await, 1);
    // Sessions end with the process, so the page that comes back asks who one is.
    desk.engine.restart().await;
    page.until("location.pathname === '/desk/sign-in'").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clusters_webhooks_pools_and_products_are_shown_and_tried() {
    let Some(browser) = Browser::start() else { return };
    let desk = Setting::start().await;
    let page = browser.open().await;
    desk.sign_in(&page, "root").await;
    page.follow("nav a[href='/desk/clusters']").await;
    assert!(page.text().await.contains("0 of 48"), "{}", page.text().await);
    for (cluster, words, tone) in
        [("k8s-right", "k8s-right answered within ", "good"), ("k8s-wrong", "k8s-wrong: ", "bad")]
    {
        page.follow(&format!("button[aria-label='Test {cluster}']")).await;
        page.until(&format!("document.querySelector('.notice.{tone}')?.textContent.startsWith('{words}')"))
            .await;
    }
    page.follow("nav a[href='/desk/pools']").await;
    let text = page.text().await;
    for words in ["ACME Inc.", "4 of 96", "1 of 20", "everyone create", "Laboratory disabled", "no limit"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    page.follow("nav a[href='/desk/webhooks']").await;
    page.follow("td a").await;
    page.until_shown("provisioning.started").await;
    page.follow("form[action$='/test'] button").await;
    page.until_shown("The receiver answered 204.").await;
    page.follow(".back a").await;
    page.follow("nav a[href='/desk/products']").await;
    let row = "a1b2c3 Tree Inventory AGRI SILVER active provisioning since";
    assert!(page.text().await.contains(row), "{}", page.text().await);
    page.follow(&format!("a[href='/desk/products/{PLATE}']")).await;
    page.until("document.querySelector('h1').textContent === 'Tree Inventory'").await;
    assert!(page.text().await.contains("waits for silver"), "{}", page.text().await);
    page.open(&desk.engine.url("/desk/products?from=b")).await;
    page.until_shown("There are no such products.").await;
    assert_eq!(desk.problems(&page, &[]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_fits_can_be_read_and_works_by_keyboard() {
    let Some(browser) = Browser::start() else { return };
    let desk = Setting::start().await;
    for person in ["jane", "rita"] {
        desk.request(person, "search", 16).await;
    }
    for step in ["allocate", "configure"] {
        desk.report(step, "Running").await;
        desk.report(step, "Completed").await;
    }
    for status in ["Running", "Failed"] {
        desk.report("activate", status).await;
    }
    let page = browser.open().await;
    desk.sign_in(&page, "rita").await;
    let pictures = std::env::var_os("PICTURES");
    for (width, height) in [PHONE, DESKTOP] {
        page.set_size(width, height).await;
        for is_dark in [false, true] {
            page.set_dark(is_dark).await;
            for (name, url) in desk.addresses() {
                page.open(&url).await;
                let screen = format!("{url} at {width}, dark {is_dark}");
                assert_eq!(page.evaluate(CHECKS).await, json!([]), "{screen}");
                check_names(&page, &screen).await;
                check_keyboard(&page, &screen).await;
                if let Some(folder) = &pictures {
                    let tone = if is_dark { "dark" } else { "light" };
                    page.save_picture(&Path::new(folder).join(format!("{name}-{width}-{tone}.png"))).await;
                }
            }
        }
    }
    assert_eq!(desk.problems(&page, &["/desk/requests/none"]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_looks_for_problems_finds_them() {
    let Some(browser) = Browser::start() else { return };
    let desk = Setting::start().await;
    let page = browser.open().await;
    desk.sign_in(&page, "rita").await;
    for (spoil, told) in [
        ("document.querySelector('h1').style.color = '#888'", "contrast"),
        ("document.querySelector('h1').style.minWidth = '3000px'", "pixels wide"),
        ("document.querySelector('main').style.overflowX = 'auto'", "sideways"),
        ("document.querySelector('td').dataset.label = ''", "its heading"),
        ("document.querySelector('h1').id = 'content'", "more than once"),
    ] {
        page.evaluate(spoil).await;
        let problems = page.evaluate(CHECKS).await;
        assert!(problems.to_string().contains(told), "{spoil}: {problems}");
    }
    let markup = json!("<p style='color: red'>a</p><img src='http://localhost:1/x' alt=''>");
    let spoil = format!("document.body.insertAdjacentHTML('beforeend', {markup}); console.error('shown'); 1");
    page.evaluate(&spoil).await;
    page.evaluate("setTimeout(() => nothing(), 0); new Promise((then) => setTimeout(then, 1))").await;
    for part in ["style-src", "http://localhost:1/x", "shown", "nothing is not defined"] {
        let is_found = async || desk.problems(&page, &[]).iter().any(|problem| problem.contains(part));
        until(part, is_found).await;
    }
}

/// Everything that one can use has a name that is read out.
async fn check_names(page: &Page, screen: &str) {
    let mut count = 0;
    for (role, name) in page.read_out().await {
        if ["button", "link", "textbox", "combobox", "meter", "DisclosureTriangle", "navigation"]
            .contains(&role.as_str())
        {
            assert!(!name.trim().is_empty(), "{screen}: a {role} has no name");
            count += 1;
        }
    }
    assert!(count > 1, "{screen}: nothing can be used");
}

/// Tab comes to everything that one can use, in the order of the page, and shows where it is.
async fn check_keyboard(page: &Page, screen: &str) {
    let all = "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')] \
               .filter((element) => element.checkVisibility({contentVisibilityAuto: true}))";
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); scrollTo(0, 0); 1").await;
    let count = page.evaluate(&format!("window.all = {all}; window.all.length")).await.as_u64().unwrap();
    for number in 0..count {
        page.press_tab().await;
        let here = page
            .evaluate(
                "(() => { const here = document.activeElement; const style = getComputedStyle(here); return [window.all.indexOf(here), \
                 style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1, here.outerHTML.slice(0, 200)]; })()",
            )
            .await;
        assert_eq!((here[0].as_u64(), here[1].as_bool()), (Some(number), Some(true)), "{screen}: {here}");
    }
}
