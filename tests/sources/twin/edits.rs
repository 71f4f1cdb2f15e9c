//! What an author does to pages.

use super::page::Kind;
use super::{FIXED, NOTHING, Page, REVIEW, STRAY, Section, Twin};

impl Twin {
    fn some_page(&mut self) -> Option<String> {
        let readable: Vec<&String> = self
            .pages
            .iter()
            .filter(|(name, page)| !page.is_broken && *name != FIXED)
            .map(|(name, _)| name)
            .collect();
        (!readable.is_empty()).then(|| readable[self.random.below(readable.len())].clone())
    }

    fn some_section(&mut self) -> Option<(String, usize)> {
        let name = self.some_page()?;
        let count = self.pages[&name].sections.len();
        (count > 0).then(|| (name, self.random.below(count)))
    }

    fn touch(&mut self, name: &str) -> &mut Page {
        self.stamps += 1;
        let page = self.pages.get_mut(name).unwrap();
        page.stamp = self.stamps;
        page
    }

    /// Changes something; gives what.
    pub fn edit(&mut self) -> &'static str {
        self.try_edit().unwrap_or(NOTHING)
    }

    fn try_edit(&mut self) -> Option<&'static str> {
        match self.random.below(15) {
            0 => self.insert(),
            1 => self.delete(),
            2 => {
                let (name, at) = self.some_section()?;
                let to = self.random.below(self.pages[&name].sections.len());
                let page = self.touch(&name);
                let section = page.sections.remove(at);
                page.sections.insert(to, section);
                page.is_shuffled = true;
                Some("move within a file")
            }
            3 => self.send(),
            4 => {
                let from = self.some_page()?;
                let before = &self.pages[&from].before;
                if self.pages.values().any(|page| page.is_new && page.said() == *before) {
                    return None;
                }
                let to = self.file_name();
                let mut page = self.pages.remove(&from)?;
                self.stamps += 1;
                page.stamp = self.stamps;
                page.is_renamed = !page.is_new;
                self.pages.insert(to, page);
                Some("rename a file")
            }
            5 => {
                let name = self.some_page()?;
                let turn = self.random.below(self.pages[&name].sections.len().max(1));
                let page = self.touch(&name);
                let turn = turn.min(page.sections.len());
                page.sections.rotate_left(turn);
                page.sections.reverse();
                page.is_shuffled = true;
                Some("reorder")
            }
            6 => {
                let (name, at) = self.some_section()?;
                let heading = self.random.words(2).join(" ");
                let page = self.touch(&name);
                let before = page.sections[at].heading.clone();
                // Another one under the heading that it had may be it.
                let is_it =
                    |section: &Section| section.heading == before && (section.is_new || section.is_moved);
                if page.sections[at].kind != Kind::Long && page.sections.iter().any(is_it) {
                    return None;
                }
                let section = &mut page.sections[at];
                if std::mem::replace(&mut section.is_edited, true) {
                    return None;
                }
                section.is_retitled = true;
                section.heading = heading;
                Some("retitle")
            }
            7 | 8 => self.reword(),
            9 => {
                let name = self.some_page()?;
                let title = self.random.words(2).join(" ");
                let page = self.touch(&name);
                page.is_retitled = true;
                *page.title.as_mut()? = title;
                Some("retitle a file")
            }
            10 => {
                let (name, at) = self.some_section()?;
                let tag = self.random.one_in(2).then(|| format!("file-{}", self.random.below(3)));
                let page = self.touch(&name);
                page.tag.clone_from(&tag);
                page.sections[at].tag = tag;
                Some("tag in the file")
            }
            11 => {
                self.create(4);
                Some("create a file")
            }
            12 => {
                let (name, at) = self.some_section()?;
                let section = &mut self.touch(&name).sections[at];
                if section.kind != Kind::Long || std::mem::replace(&mut section.is_edited, true) {
                    return None;
                }
                if section.words.last().is_some_and(|word| word == STRAY) {
                    section.words.pop();
                    return Some("take out a stray byte");
                }
                section.words.push(STRAY.to_owned());
                Some("add a stray byte")
            }
            13 => {
                let name = self.some_page()?;
                // What went elsewhere out of a page that is gone may be the page.
                if self.pages.len() < 3 || self.pages[&name].stamp > self.settled {
                    return None;
                }
                let said = self.pages[&name].said();
                if self.pages.values().any(|page| page.is_new && page.said() == said) {
                    return None;
                }
                let page = self.pages.remove(&name)?;
                self.deleted.push(page.said());
                Some("delete a file")
            }
            _ => {
                let name = self.some_page()?;
                // Nobody can know what went out of a file that cannot be read, nor which one it was before.
                if self.pages[&name].stamp > self.settled {
                    return None;
                }
                self.touch(&name).is_broken = true;
                Some("break the encoding")
            }
        }
    }

    fn insert(&mut self) -> Option<&'static str> {
        let name = self.some_page()?;
        let mut section = self.section(&self.pages[&name].clone());
        if self.pages[&name].has_lost || self.pages[&name].had(&section.heading) {
            // Another section under the only heading of its kind cannot be told from a rewritten one.
            if section.kind != Kind::Long {
                return None;
            }
            section.heading = self.random.words(3).join(" ");
        }
        let at = self.random.below(self.pages[&name].sections.len() + 1);
        let page = self.touch(&name);
        page.sections.insert(at, section);
        (page.has_gained, page.is_shuffled) = (true, true);
        Some("insert")
    }

    fn delete(&mut self) -> Option<&'static str> {
        let (name, at) = self.some_section()?;
        let least = usize::from(self.keeps_one);
        let page = self.touch(&name);
        if page.has_gained || page.sections[at].is_moved || page.sections.len() <= least {
            return None;
        }
        let section = page.sections.remove(at);
        (page.has_lost, page.is_shuffled) = (true, true);
        if section.kind == Kind::Short {
            page.lost.push((section.text(), section.name));
        }
        Some("delete")
    }

    fn send(&mut self) -> Option<&'static str> {
        let ((from, at), to) = (self.some_section()?, self.some_page()?);
        let (source, target) = (&self.pages[&from], &self.pages[&to]);
        let section = &source.sections[at];
        let is_long = section.kind == Kind::Long;
        let is_there = target
            .sections
            .iter()
            .any(|other| other.said() == section.said() || !is_long && other.heading == section.heading);
        // What was there, or may have been, is not new there.
        let is_there = is_there
            || source.sections.len() <= usize::from(self.keeps_one)
            || target.had(&section.heading)
            || target.before.1.contains(&section.said());
        if target.has_lost || target.is_new || from == to || is_there || !is_long && source.has_gained {
            return None;
        }
        let source = self.touch(&from);
        let mut section = source.sections.remove(at);
        source.is_shuffled = true;
        // Another one like it cannot be told from it.
        source.has_lost |= !is_long;
        section.is_moved = true;
        let place = self.random.below(self.pages[&to].sections.len() + 1);
        let page = self.touch(&to);
        page.sections.insert(place, section);
        (page.has_gained, page.is_shuffled) = (true, true);
        Some("move to another file")
    }

    fn reword(&mut self) -> Option<&'static str> {
        let (name, at) = self.some_section()?;
        let word = self.random.word();
        let place = self.random.below(self.pages[&name].sections[at].words.len());
        let section = &mut self.touch(&name).sections[at];
        if std::mem::replace(&mut section.is_edited, true) {
            return None;
        }
        match section.kind {
            // An answer has two words at most: a template is what most of it is.
            Kind::Template if section.words.len() > REVIEW.split(' ').count() + 1 => {
                section.words.pop();
            }
            Kind::Long => section.words[place].clone_from(&word),
            _ => {}
        }
        section.words.push(word);
        Some("edit")
    }
}
